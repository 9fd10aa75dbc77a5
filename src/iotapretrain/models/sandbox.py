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
from collections.abc import Iterable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
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
CLONE, CLONE3 = (56, 220), (435, 435)
ALLOWED_CALLS = {
    "futex": (202, 98),
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "preadv2": (327, 286),
    "readv": (19, 65),
    "writev": (20, 66),
    "close": (3, 57),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "stat": (4, None),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "open": (2, None),
    "openat": (257, 56),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "pipe2": (293, 59),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "recvmsg": (47, 212),
    "recvfrom": (45, 207),
    "shutdown": (48, 210),
    "getsockname": (51, 204),
    "getsockopt": (55, 209),
    "setsockopt": (54, 208),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getrusage": (98, 165),
    "getrandom": (318, 278),
    "getcpu": (309, 168),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "gettimeofday": (96, 169),
    "nanosleep": (35, 101),
    "restart_syscall": (219, 128),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "arch_prctl": (158, None),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""What Python, torch, its threads and their libraries were seen to need after the imports."""
PRLIMIT, TGKILL, FCNTL, IOCTL = (302, 261), (234, 131), (72, 25), (16, 29)
SECCOMP, SECCOMP_SET_FILTER, ALL_THREADS = (317, 277), 1, 1
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""Duplicate, flags of descriptors and of open files: no lock, no lease, no owner of signals."""
IOCTL_COMMANDS = (0x5401, 0x5421, 0x5450, 0x5451)
"""Is it a terminal, wait or not, close on execution or not."""
CAPSET = (126, 91)
PR_CAPBSET_DROP, PR_CAP_AMBIENT, CLEAR_ALL = 24, 47, 4
CAPABILITY_VERSION, MOST_CAPABILITIES = 0x20080522, 64

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
    if drop_capabilities():
        granted.append("no capabilities")
    return granted


def restrict(memory_bytes: int) -> list[str]:
    """What comes after the imports: limits, files, system calls. Names what holds."""
    limit_resources(memory_bytes)
    granted = ["limits on memory, files, and core dumps"]
    if confine_files([*SYSTEM_PATHS, *_python_paths()]):
        granted.append("Landlock: reads Python and the system's libraries, writes nothing")
    if filter_calls():
        granted.append("seccomp: only the system calls that computing needs")
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


def drop_capabilities() -> bool:
    """Powers of root, also over namespaces of its own: none now, none to come."""
    if platform.machine() not in MACHINES:
        return False
    _prctl(PR_CAP_AMBIENT, CLEAR_ALL)
    for capability in range(MOST_CAPABILITIES):
        _prctl(PR_CAPBSET_DROP, capability)  # refused where there is no such capability
    number = CAPSET[MACHINES[platform.machine()][1]]
    return bool(_libc.syscall(number, struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24)) == 0)


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
    """End every thread's process at a fatal system call, refuse all that are not listed."""
    if platform.machine() not in MACHINES:
        return False
    program = b"".join(_filter(*MACHINES[platform.machine()]))
    instructions = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    number = SECCOMP[MACHINES[platform.machine()][1]]
    pointer = ctypes.create_string_buffer(head, len(head))
    return bool(_libc.syscall(number, SECCOMP_SET_FILTER, ALL_THREADS, pointer) == 0)


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
    for calls, answer in ((ALLOWED_CALLS, ALLOW), (FATAL_CALLS, KILL)):
        for numbers in calls.values():
            if (number := numbers[column]) is not None:
                yield _instruction(0x15, number, 0, 1)
                yield _instruction(0x06, answer)
    yield from _only(PRLIMIT[column], 0, (0,))
    yield from _only(TGKILL[column], 0, (os.getpid(),))
    yield from _only(FCNTL[column], 1, FCNTL_COMMANDS)
    yield from _only(IOCTL[column], 1, IOCTL_COMMANDS)
    yield _instruction(0x15, CLONE3[column], 0, 1)  # its flags are out of sight: libc falls back
    yield _instruction(0x06, ERRNO | errno.ENOSYS)
    yield _instruction(0x15, CLONE[column], 0, 4)
    yield _instruction(0x20, 16)  # load the flags
    yield _instruction(0x45, CLONE_THREAD, 1, 0)
    yield _instruction(0x06, KILL)
    yield _instruction(0x06, ALLOW)
    yield _instruction(0x06, ERRNO | errno.EPERM)


def _only(number: int, argument: int, values: Sequence[int]) -> Iterable[bytes]:
    """Let a call pass if the lower half of an argument is one of these values, else refuse it."""
    yield _instruction(0x15, number, 0, 2 * len(values) + 2)
    yield _instruction(0x20, 16 + 8 * argument)
    for value in values:
        yield _instruction(0x15, value, 0, 1)
        yield _instruction(0x06, ALLOW)
    yield _instruction(0x06, ERRNO | errno.EPERM)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _prctl(option: int, value: int, pointer: object = 0) -> bool:
    return bool(_libc.prctl(option, value, pointer, 0, 0) == 0)
