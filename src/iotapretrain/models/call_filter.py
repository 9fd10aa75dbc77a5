"""The system calls that a worker keeps, and how to make those that Python has no function for. The
kernel's filter (seccomp) sees numbers and arguments, never a path; so it cannot tell paths apart.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable, Mapping, Sequence

libc = ctypes.CDLL(None, use_errno=True)

MACHINES: Mapping[str, tuple[int, int]] = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""What the kernel calls each architecture, and which column of a table is its own."""

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
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
    # threads
    "futex": (202, 98),
    # open files
    "read": (0, 63), "write": (1, 64), "pread64": (17, 67), "preadv": (295, 69),
    "preadv2": (327, 286), "readv": (19, 65), "writev": (20, 66), "close": (3, 57),
    "lseek": (8, 62), "fstat": (5, 80),
    # paths
    "stat": (4, None), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "open": (2, None), "openat": (257, 56), "getdents64": (217, 61),
    "getcwd": (79, 17),
    # descriptors
    "pipe2": (293, 59), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    # memory
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214),
    # waiting and messages
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "sendmsg": (46, 211), "sendto": (44, 206), "recvmsg": (47, 212), "recvfrom": (45, 207),
    "shutdown": (48, 210), "getsockname": (51, 204), "getsockopt": (55, 209),
    "setsockopt": (54, 208),
    # who, where, and what there is
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "uname": (63, 160),
    "sysinfo": (99, 179), "times": (100, 153), "getrusage": (98, 165), "getrandom": (318, 278),
    "getcpu": (309, 168),
    # processors and time
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "gettimeofday": (96, 169),
    "nanosleep": (35, 101),
    # signals
    "restart_syscall": (219, 128), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    # the life of a thread
    "set_tid_address": (218, 96), "set_robust_list": (273, 99), "rseq": (334, 293),
    "membarrier": (324, 283), "arch_prctl": (158, None), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
"""What Python, torch, its threads and their libraries were seen to need after the imports."""
PRLIMIT, TGKILL, FCNTL, IOCTL = (302, 261), (234, 131), (72, 25), (16, 29)
SECCOMP, SECCOMP_SET_FILTER, ALL_THREADS = (317, 277), 1, 1
CLONE_THREAD = 0x00010000
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""Duplicate, flags of descriptors and of open files: no lock, no lease, no owner of signals."""
IOCTL_COMMANDS = (0x5401, 0x5421, 0x5450, 0x5451)
"""Is it a terminal, wait or not, close on execution or not."""


def prctl(option: int, value: int) -> bool:
    """Whether the kernel changed this of the process."""
    return bool(libc.prctl(option, value, 0, 0, 0) == 0)


def filter_calls(threads: bool) -> bool:
    """End the process at a fatal call; refuse all that are not listed, and threads if without."""
    if platform.machine() not in MACHINES:
        return False
    program = b"".join(_filter(*MACHINES[platform.machine()], threads))
    instructions = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    number = SECCOMP[MACHINES[platform.machine()][1]]
    pointer = ctypes.create_string_buffer(head, len(head))
    return bool(libc.syscall(number, SECCOMP_SET_FILTER, ALL_THREADS, pointer) == 0)


def _filter(architecture: int, column: int, threads: bool) -> Iterable[bytes]:
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
    yield _instruction(0x06, ALLOW if threads else ERRNO | errno.EAGAIN)
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
