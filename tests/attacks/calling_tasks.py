"""What a worker that was taken over would ask of the kernel, by the numbers of x86-64."""

from __future__ import annotations

import ctypes
import errno
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def call(files: dict[str, int], number: int, arguments: list[int | str | None]) -> str:
    """Make a system call; a file's path stands for its descriptor, "@" for 4 KiB of memory."""
    memory = ctypes.create_string_buffer(4096)
    given = [
        ctypes.c_long(files[each])
        if isinstance(each, str) and each in files
        else ctypes.addressof(memory)
        if each == "@"
        else each.encode()
        if isinstance(each, str)
        else ctypes.c_long(each or 0)
        for each in arguments
    ]
    given = [ctypes.c_void_p(each) if isinstance(each, int) else each for each in given]
    if _libc.syscall(ctypes.c_long(number), *given) < 0:
        return errno.errorcode[ctypes.get_errno()]
    return "done"


def status(files: dict[str, int]) -> str:
    """What the kernel says of this process."""
    return Path("/proc/self/status").read_text()


def deep(files: dict[str, int], descriptor: int) -> None:
    """Answer with brackets alone."""
    import os
    import time

    content = b"[" * 1_000_000
    os.write(descriptor, len(content).to_bytes(8, "little") + content)
    time.sleep(60)


def descriptor(files: dict[str, int]) -> int:
    """Where the caller listens."""
    import sys

    return int(sys.argv[1])
