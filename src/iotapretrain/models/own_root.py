"""A root folder with nothing in it but what a worker may read: Landlock forbids to open a path, not
to ask whether it exists. It takes a mount namespace of its own.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from iotapretrain.models.call_filter import libc

HERE = -100
PRIVATE = 0x40000 | 0x4000
DETACH = 2
OPEN_TREE, MOVE_MOUNT, SET_ATTRIBUTES = 428, 429, 442
COPY, CLOSE_ON_EXECUTION, RECURSIVE, EMPTY_PATH = 1, 0o2000000, 0x8000, 4
READ_ONLY, NO_SET_UID = 1, 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
PLACE = "/proc"
"""Where the new root is built: a folder that is always there, and of which little is needed."""


def leave_root(paths: Iterable[str]) -> bool:
    """Whether nothing but these paths is there any more, for reading.

    The calling thread must be the only one, in a mount namespace of its own: else it would take the
    root away from others. Where the kernel refuses a step, the old root stays.
    """
    if os.uname().machine not in PIVOT_ROOT:
        return False
    try:
        _asked(libc.mount(b"none", b"/", None, PRIVATE, None))
        with ExitStack() as stack:
            copies = []
            for path in _outermost(paths):
                copies.append((path, copy := _copy(path)))
                stack.callback(os.close, copy)
            _build(copies)
    except OSError:  # whatever is refused, the other protections hold, and this one is not named
        return False
    return True


def map_ids(user: int, group: int) -> None:
    """Be who one was, in a new user namespace: until this is said, nobody there owns anything."""
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path("/proc/self", name).write_text(content)


def _outermost(paths: Iterable[str]) -> list[str]:
    """Those that are there, by every name of theirs, without what lies in another one."""
    names = {name for path in paths for name in (os.path.abspath(path), os.path.realpath(path))}
    found: list[str] = []
    for name in sorted(filter(os.path.exists, names), key=len):
        if not name.startswith(tuple(f"{outer}/" for outer in found)):
            found.append(name)
    return found


def _copy(path: str) -> int:
    """What is mounted at a path and below it, open, and at no place yet."""
    flags = COPY | CLOSE_ON_EXECUTION | RECURSIVE
    return _asked(libc.syscall(OPEN_TREE, HERE, os.fsencode(path), flags))


def _build(copies: Sequence[tuple[str, int]]) -> None:
    _asked(libc.mount(b"none", PLACE.encode(), b"tmpfs", 0, b"size=1m"))
    try:
        for path, copy in copies:
            _put(copy, PLACE + path, os.path.isdir(copy))
        os.chdir(PLACE)
        _asked(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."))
    except OSError:
        os.chdir("/")
        libc.umount2(PLACE.encode(), DETACH)
        raise
    _asked(libc.umount2(b".", DETACH))
    os.chdir("/")
    attributes = struct.pack("QQQQ", READ_ONLY | NO_SET_UID, 0, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    _asked(libc.syscall(SET_ATTRIBUTES, HERE, b"/", RECURSIVE, attributes, size))


def _put(copy: int, target: str, folder: bool) -> None:
    os.makedirs(target if folder else os.path.dirname(target), exist_ok=True)
    if not folder:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))
    _asked(libc.syscall(MOVE_MOUNT, copy, b"", HERE, os.fsencode(target), EMPTY_PATH))


def _asked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
