"""Every error a user can meet, in one tree.

IotaError                what went wrong, for a person; the CLI prints it and exits with `exit_code`
├── ChainError           the chain said no, or could not be read
│   ├── RefusedError         an invalid transaction: nothing stored, no nonce spent
│   └── StateDiscardedError  the state of a block that is no longer kept
├── SourceError          text could not be had: which source, what happened, what to do
│   ├── UnavailableSourceError   still slow, cut off or refusing when patience ended
│   ├── ChangedSourceError       it no longer serves the revision that is pinned
│   └── CorruptSourceError       bytes that cannot be what the pinned revision holds
└── InputError           what the user gave is wrong: which input, where in it, and what to do
    ├── ConfigError      a configuration file: file, key, what is wrong, what is allowed
    └── VectorError      a file that claims to be conformance vectors and cannot be read as such

A traceback that reaches a user is a bug.
"""

from __future__ import annotations

from typing import Literal

InvalidTransaction = Literal[
    "BadProof",
    "Stale",
    "Future",
    "AncientBirthBlock",
    "Payment",
    "Call",
    "ExhaustsResources",
]
"""Why a transaction cannot enter any block, by the names that Substrate gives."""


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


class ChainError(IotaError):
    """The chain said no, or could not be read."""


class RefusedError(ChainError):
    """The transaction is invalid: nothing is stored, and its nonce is not spent."""

    def __init__(self, reason: InvalidTransaction, detail: str) -> None:
        super().__init__(f"transaction refused ({reason}): {detail}")
        self.reason, self.detail = reason, detail


class StateDiscardedError(ChainError):
    """The state of a block is no longer kept, though its header is."""

    def __init__(self, block: int) -> None:
        super().__init__(f"the state of block {block} is no longer kept; ask for a later block")
        self.block = block


class SourceError(IotaError):
    """Text could not be had; the task that needs it drops out of the round."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source, self.problem = source, problem


class UnavailableSourceError(SourceError):
    """Still slow, cut off or refusing when patience ended."""


class ChangedSourceError(SourceError):
    """The place no longer serves the revision that is pinned."""


class CorruptSourceError(SourceError):
    """Bytes that cannot be what the pinned revision holds."""
