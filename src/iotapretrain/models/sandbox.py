"""What a worker process gives up before it opens a stranger's model.

Each protection is asked of the kernel by itself, and those that it grants are reported by name. No
package wraps all of them, so they are asked for through libc. A process can only ever give up more.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
CLONE_THREAD = 0x00010000
NAMESPACES = {"user": 0x10000000, "network": 0x40000000, "ipc": 0x08000000}

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

SECCOMP_FILTER = 2
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
FATAL_CALLS = {
    "socket": (41, 198),
    "connect": (42, 203),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "io_uring_setup": (425, 425),
}
"""System calls that end the process, by their numbers on x86-64 and on 64-bit Arm."""
REFUSED_CALLS = {
    "kill": (62, 129),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "socketpair": (53, 199),
}
CLONE, CLONE3 = (56, 220), (435, 435)

_libc = ctypes.CDLL(None, use_errno=True)


def isolate(parent: int) -> list[str]:
    """What must come before any thread: die with the parent, new namespaces. Names what holds."""
    granted = ["no new privileges"] if _prctl(PR_SET_NO_NEW_PRIVS, 1) else []
    if _prctl(PR_SET_PDEATHSIG, signal.SIGKILL):
        granted.append("dies with its parent")
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    if _libc.unshare(sum(NAMESPACES.values())) == 0:
        granted.append("namespaces of its own: user, network, ipc")
    return granted


def restrict(memory_bytes: int) -> list[str]:
    """What comes after the imports: limits, files, system calls. Names what holds."""
    limit_resources(memory_bytes)
    granted = ["limits on memory, files, and core dumps"]
    if confine_files([*SYSTEM_PATHS, *_python_paths()]):
        granted.append("Landlock: reads Python and the system's libraries, writes nothing")
    if filter_calls():
        granted.append("seccomp: no process, no program, no socket")
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


def confine_files(paths: Iterable[str]) -> bool:
    """Let nothing be opened but these paths, for reading; files that are open already stay open."""
    version = _libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = (1 << LANDLOCK_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack(
        "QQQ", rights, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    try:
        for path in paths:
            _allow_reading(rules, path)
        return bool(_libc.syscall(LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def filter_calls() -> bool:
    """End the process at a fatal system call, refuse others; threads may still be started."""
    if platform.machine() not in MACHINES:
        return False
    program = b"".join(_filter(*MACHINES[platform.machine()]))
    instructions = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    return _prctl(PR_SET_SECCOMP, SECCOMP_FILTER, ctypes.create_string_buffer(head, len(head)))


def _python_paths() -> list[str]:
    return [sys.prefix, sys.base_prefix, *filter(None, sys.path)]


def _allow_reading(rules: int, path: str) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = READ_FOLDER if os.path.isdir(path) else READ_FILE
        if _libc.syscall(LANDLOCK_ADD, rules, 1, struct.pack("=Qi", rights, descriptor), 0):
            raise OSError(ctypes.get_errno(), f"Landlock does not take {path}")
    finally:
        os.close(descriptor)


def _filter(architecture: int, column: int) -> Iterable[bytes]:
    """The program, an instruction at a time: look at the machine, then at the call's number."""
    yield _instruction(0x20, 4)  # load the architecture
    yield _instruction(0x15, architecture, 1, 0)
    yield _instruction(0x06, KILL)
    yield _instruction(0x20, 0)  # load the number
    yield _instruction(0x35, 0x40000000, 0, 1)  # the x32 numbers would get round all others
    yield _instruction(0x06, KILL)
    for calls, answer in ((FATAL_CALLS, KILL), (REFUSED_CALLS, ERRNO | errno.EPERM)):
        for numbers in calls.values():
            if (number := numbers[column]) is not None:
                yield _instruction(0x15, number, 0, 1)
                yield _instruction(0x06, answer)
    yield _instruction(0x15, CLONE3[column], 0, 1)  # its flags are out of sight: libc falls back
    yield _instruction(0x06, ERRNO | errno.ENOSYS)
    yield _instruction(0x15, CLONE[column], 0, 3)
    yield _instruction(0x20, 16)  # load the flags
    yield _instruction(0x45, CLONE_THREAD, 1, 0)
    yield _instruction(0x06, KILL)
    yield _instruction(0x06, ALLOW)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _prctl(option: int, value: int, pointer: object = 0) -> bool:
    return bool(_libc.prctl(option, value, pointer, 0, 0) == 0)
