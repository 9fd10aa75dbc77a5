"""Versions as one number, for the version key that is sent with weights (competition, 15.27)."""

from __future__ import annotations

import re

from iotapretrain.errors import InputError

LARGEST_PART = 2**21 - 1

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def version_number(version: str) -> int:
    """major 2^42 + minor 2^21 + patch: below 2^63, in the order of versions, no two alike."""
    parts = parse_version(version)
    if max(parts) > LARGEST_PART:
        raise InputError(f"version {version!r}: a part is above {LARGEST_PART}; use smaller ones")
    major, minor, patch = parts
    return major << 42 | minor << 21 | patch


def parse_version(version: str) -> tuple[int, int, int]:
    """The three parts of "major.minor.patch"."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InputError(f"version {version!r}: expected three numbers such as 4.6.2")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch
