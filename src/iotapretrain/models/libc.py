"""The C library, by which the kernel is asked for what Python has no function for."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

libc = ctypes.CDLL(None, use_errno=True)

MACHINES: Mapping[str, tuple[int, int]] = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""The architectures whose numbers of system calls are known: what the kernel calls each, and which
column of a table is its own.
"""


def prctl(option: int, value: int) -> bool:
    """Whether the kernel changed this of the process."""
    return bool(libc.prctl(option, value, 0, 0, 0) == 0)
