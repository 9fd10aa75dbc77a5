"""Every error a user can meet, in one tree.

IotaError                what went wrong, for a person; the command line prints it and exits with `exit_code`
└── InputError           what the user gave is wrong: which input, where in it, and what to do
    ├── ConfigError      a configuration file: file, key, what is wrong, what is allowed
    └── VectorError      a file that claims to be conformance vectors and cannot be read as such

A traceback that reaches a user is a bug.
"""

from __future__ import annotations


class IotaError(Exception):
    """One line for a person: what was wrong, with which input, and what to do next."""

    exit_code = 2


class InputError(IotaError):
    """The input is wrong; the same call with better input can succeed."""


class ConfigError(InputError):
    """A configuration value is missing, unknown or out of range."""

    def __init__(self, file: str, key: str, problem: str, allowed: str) -> None:
        super().__init__(f"{file}: {key}: {problem}; allowed: {allowed}")
        self.file, self.key, self.problem, self.allowed = file, key, problem, allowed


class VectorError(InputError):
    """A conformance vector file that cannot be read."""
