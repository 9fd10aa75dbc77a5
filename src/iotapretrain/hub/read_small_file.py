"""One small file of a stranger's repository, into memory: bounded, verified, with a deadline."""

from __future__ import annotations

import time

from iotapretrain.errors import CorruptModelError, RefusedModelError, UnavailableHubError
from iotapretrain.hub.partial_file import check_hash, hasher_of
from iotapretrain.hub.patience import Patience
from iotapretrain.hub.protocol import Commit, FileEntry, Hub
from iotapretrain.net.waiting import Clock, Deadline, check


def read_small(
    hub: Hub,
    commit: Commit,
    entry: FileEntry,
    *,
    most_bytes: int,
    seconds: float = 60.0,
    patience: Patience | None = None,
    clock: Clock = time.monotonic,
) -> bytes:
    """The bytes that the listing promises; refused unread where it promises too many."""
    if entry.size > most_bytes:
        raise RefusedModelError(
            f"{commit}: {entry.path!r} has {entry.size} bytes, more than the {most_bytes} allowed"
        )
    deadline = Deadline.after(seconds, clock)

    def attempt() -> bytes:
        try:
            return _read(hub, commit, entry, deadline)
        except CorruptModelError as error:
            raise CorruptModelError(f"{commit}: {entry.path!r}: {error}") from error

    return (patience or Patience()).keep_trying(attempt, seconds)


def _read(hub: Hub, commit: Commit, entry: FileEntry, deadline: Deadline) -> bytes:
    task, content, hasher = f"{commit}: {entry.path!r}", bytearray(), hasher_of(entry)
    with hub.read(commit, entry) as arriving:
        for piece in arriving:
            content += piece
            hasher.update(piece)
            if len(content) > entry.size:
                raise CorruptModelError(f"more than the {entry.size} bytes that are listed")
            check(deadline, task)
    if len(content) < entry.size:
        raise UnavailableHubError(f"{task}: cut off at {len(content)} of {entry.size} bytes")
    check_hash(entry, hasher.hexdigest())
    return bytes(content)
