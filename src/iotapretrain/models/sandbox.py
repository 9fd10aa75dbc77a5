"""What a worker process gives up before it opens a stranger's model. No package wraps all of it, so
each protection is asked of the kernel, through libc; a process can only ever give up more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.models.call_filter import MACHINES, filter_calls, libc, prctl
from iotapretrain.models.control_group import most_threads
from iotapretrain.models.own_root import leave_root, map_ids

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
NAMESPACES = {"user": 0x10000000, "network": 0x40000000, "ipc": 0x08000000, "mount": 0x00020000}
TRIED = (
    ("user", "network", "ipc", "mount"),
    ("network", "ipc", "mount"),
    ("user", "network", "ipc"),
    ("user",),
)
"""From the most to the least; the second is root's where there may be no user namespaces."""

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version of Landlock knows."""
READ_FILE, READ_FOLDER = 0b0101, 0b1101
"""Execute (to map libraries), read a file, and list a folder."""
SYSTEM_PATHS = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self",
    "/sys/devices/system",
)

CAPSET = (126, 91)
PR_CAPBSET_DROP, PR_CAP_AMBIENT, CLEAR_ALL = 24, 47, 4
CAPABILITY_VERSION, MOST_CAPABILITIES = 0x20080522, 64


@dataclass(frozen=True)
class Isolated:
    """What holds so far, by name; and whether the root folder can be left, harming nobody."""

    granted: tuple[str, ...]
    can_leave_root: bool


def isolate(parent: int, threads: int) -> Isolated:
    """What must come before any thread: die with the parent, new namespaces.

    Each thread has capabilities for itself. So where there are to be several, they go before the
    first one starts, and the old root folder stays: leaving it takes some.
    """
    granted = ["no new privileges"] if prctl(PR_SET_NO_NEW_PRIVS, 1) else []
    if prctl(PR_SET_PDEATHSIG, signal.SIGKILL):
        granted.append("dies with its parent")
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    ordinary = os.geteuid() != 0
    if own := _own_namespaces():
        granted.append(f"namespaces of its own: {', '.join(own)}")
    if threads > 1:
        if "user" in own and ordinary:
            # the kernel counts threads by user and user namespace: here, this process's alone; it
            # refuses none to the system's own root, whatever the namespace
            most = most_threads(threads)
            resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
            granted.append("a limit on threads")
        granted += _without_capabilities()
    return Isolated(tuple(granted), "mount" in own and threads == 1)


def restrict(isolated: Isolated, memory_bytes: int, threads: int) -> list[str]:
    """What comes after the imports: limits, files, system calls. Names all that holds."""
    granted = [*isolated.granted, "limits on memory, files, and core dumps"]
    limit_resources(memory_bytes)
    paths = [*SYSTEM_PATHS, sys.prefix, sys.base_prefix, *filter(None, sys.path)]
    if isolated.can_leave_root and leave_root(paths):
        granted.append("a root folder of its own: Python and the system's libraries")
    if threads == 1:
        granted += _without_capabilities()
    if confine_files(paths):
        granted.append("Landlock: reads Python and the system's libraries, writes nothing")
    if filter_calls(threads=threads > 1):
        granted.append("seccomp: only the system calls that computing needs")
        granted += [] if threads > 1 else ["no further threads"]
    return granted


def limit_resources(memory_bytes: int) -> None:
    """At most this much address space beyond what is in use now; no file written, no core."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for kind, limit in (
        (resource.RLIMIT_AS, in_use + memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _own_namespaces() -> tuple[str, ...]:
    user, group = os.geteuid(), os.getegid()
    for names in TRIED:
        if libc.unshare(sum(NAMESPACES[name] for name in names)) == 0:
            if "user" in names:
                with contextlib.suppress(OSError):  # then there is no root folder of its own
                    map_ids(user, group)
            return names
    return ()


def _without_capabilities() -> list[str]:
    """Powers of root, also over namespaces of its own: none now, none to come."""
    if platform.machine() not in MACHINES:
        return []
    prctl(PR_CAP_AMBIENT, CLEAR_ALL)
    for capability in range(MOST_CAPABILITIES):
        prctl(PR_CAPBSET_DROP, capability)  # refused where there is no such capability
    number = CAPSET[MACHINES[platform.machine()][1]]
    none = libc.syscall(number, struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24)) == 0
    return ["no capabilities"] if none else []


def confine_files(paths: Iterable[str]) -> bool:
    """Let nothing be opened but these paths, for reading; files that are open already stay open."""
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = (1 << LANDLOCK_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack(
        "QQQ", rights, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    try:
        for path in paths:
            _allow_reading(rules, path)
        return bool(libc.syscall(LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow_reading(rules: int, path: str) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):  # not there, or not for this user
        return
    try:
        rights = READ_FOLDER if os.path.isdir(path) else READ_FILE
        if libc.syscall(LANDLOCK_ADD, rules, 1, struct.pack("=Qi", rights, descriptor), 0):
            raise OSError(ctypes.get_errno(), f"Landlock does not take {path}")
    finally:
        os.close(descriptor)
