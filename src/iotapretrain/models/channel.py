"""Messages between a process and its worker: framed JSON of bounded size, and open files. What
comes back is never more than data: no pickle, no object, no path to follow.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Any

import msgspec

LARGEST_MESSAGE = 256 * 2**20
LENGTH_BYTES = 8
MOST_FILES = 200
"""The kernel passes at most 253 at once."""


def send(channel: socket.socket, message: object, files: Sequence[int] = ()) -> None:
    content = msgspec.json.encode(message)
    if len(content) > LARGEST_MESSAGE or len(files) > MOST_FILES:
        raise ValueError(f"a message of {len(content):,} bytes and {len(files)} files is too large")
    socket.send_fds(channel, [len(content).to_bytes(LENGTH_BYTES, "little")], list(files))
    channel.sendall(content)


def receive(
    channel: socket.socket,
    until: float | None = None,
    most_files: int = 0,
    largest: int = LARGEST_MESSAGE,
) -> tuple[Any, list[int]]:
    """The next message and its files; the kernel drops more than `most_files`.

    EOFError when the other side is gone, TimeoutError at `until` by the monotonic clock, ValueError
    for what is no message.
    """
    _wait(channel, until)
    head, files, _, _ = socket.recv_fds(channel, LENGTH_BYTES, most_files)
    head += _exactly(channel, LENGTH_BYTES - len(head), until)
    length = int.from_bytes(head, "little")
    if length > largest:
        raise ValueError(f"a message of {length:,} bytes; at most {largest:,} are read")
    try:
        return msgspec.json.decode(_exactly(channel, length, until)), files
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _exactly(channel: socket.socket, count: int, until: float | None) -> bytes:
    content = bytearray()
    while len(content) < count:
        _wait(channel, until)
        part = channel.recv(min(count - len(content), 2**20))
        if not part:
            raise EOFError
        content += part
    return bytes(content)


def _wait(channel: socket.socket, until: float | None) -> None:
    if until is None:
        channel.settimeout(None)
        return
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
