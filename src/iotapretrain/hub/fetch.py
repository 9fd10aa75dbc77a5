"""Bringing a pinned commit into the cache: decided from its listing, resumable and verified.

One small file of a stranger goes into memory instead: bounded, verified, with a deadline.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from iotapretrain.disk.whole_files import GrowingFile, create_locked, sync_folder
from iotapretrain.errors import (
    CorruptModelError,
    FullCacheError,
    HubError,
    RefusedModelError,
    UnavailableHubError,
)
from iotapretrain.hub.fetched_model import Model
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import MOST_FILES, check_together, is_model_file
from iotapretrain.hub.protocol import Commit, FileEntry, Hub, Listing
from iotapretrain.net.retry import Clock, Deadline, Patience, check

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes that are wanted."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def plan(listing: Listing, max_bytes: int) -> tuple[FileEntry, ...]:
    """The files to fetch. The limit speaks of all files of the commit (competition, section 3)."""
    if listing.total_bytes > max_bytes:
        raise RefusedModelError(
            f"{listing.commit}: {listing.total_bytes} bytes in {len(listing.files)} files,"
            f" more than the {max_bytes} allowed"
        )
    wanted = tuple(entry for entry in listing.files if is_model_file(entry.path))
    if not any(entry.path.endswith(".safetensors") for entry in wanted):
        raise RefusedModelError(f"{listing.commit}: no *.safetensors among its files")
    if len(wanted) > MOST_FILES:
        raise RefusedModelError(f"{listing.commit}: {len(wanted)} files; at most {MOST_FILES}")
    try:
        check_together(entry.path for entry in wanted)
    except RefusedModelError as error:
        raise RefusedModelError(f"{listing.commit}: {error}") from error
    return wanted


def fetch(
    hub: Hub,
    commit: Commit,
    cache: ModelCache,
    *,
    max_bytes: int,
    seconds: float = 3600.0,
    patience: Patience | None = None,
    progress: Progress | None = None,
    clock: Clock = time.monotonic,
) -> Model:
    """The whole, verified model of a pinned commit; what is already here is not asked for again."""
    deadline = Deadline.after(seconds, clock)
    found = cache.find(commit)
    if found is not None:
        if found.total_bytes > max_bytes:
            raise RefusedModelError(
                f"{commit}: {found.total_bytes} bytes, more than the {max_bytes} allowed"
            )
        return found
    listing = hub.listing(commit)
    wanted = plan(listing, max_bytes)
    sizes = {each.content_key: each.size for each in wanted}
    with _disk_errors(commit, cache), cache.room.reserve(sizes, deadline):
        transfer = _Transfer(hub, commit, cache, deadline, patience or Patience())
        for each in wanted:
            report = _reporter(progress, wanted, each)
            transfer.bring(each, report)
            report(each.size)
        return cache.install(commit, wanted, listing.total_bytes)


@contextmanager
def _disk_errors(commit: Commit, cache: ModelCache) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise FullCacheError(
                f"cache {cache.root}: {error.strerror} while fetching {commit};"
                " make room, fetch again"
            ) from error
        raise HubError(f"fetching {commit}: {error.filename}: {error.strerror}") from error


def _reporter(
    progress: Progress | None, wanted: Sequence[FileEntry], entry: FileEntry
) -> Callable[[int], None]:
    """Turn the bytes of one file into the bytes of all."""
    if progress is None:
        return lambda _size: None
    total = sum(each.size for each in wanted)
    before = sum(each.size for each in wanted[: wanted.index(entry)])
    return lambda size: progress(before + size, total)


@dataclass(frozen=True)
class _Transfer:
    """Fills the cache with contents of one commit."""

    hub: Hub
    commit: Commit
    cache: ModelCache
    deadline: Deadline
    patience: Patience

    def bring(self, entry: FileEntry, report: Callable[[int], None]) -> None:
        """Make one content whole; after wrong bytes once more, as those resumed may be to blame."""
        try:
            self._bring(entry, report)
        except CorruptModelError:
            self._bring(entry, report)

    def _bring(self, entry: FileEntry, report: Callable[[int], None]) -> None:
        blob = self.cache.blob(entry)
        with self._growing(entry) as partial:
            if blob.exists():
                partial.path.unlink()
                if blob.stat().st_size != entry.size:
                    raise CorruptModelError(f"listed with {entry.size} bytes, which it has not")
                return
            self._fill(partial, entry, report)
            entry.check_hash(partial.hexdigest())
            partial.become(blob)
            sync_folder(blob.parent)

    def _fill(self, partial: GrowingFile, entry: FileEntry, report: Callable[[int], None]) -> None:
        failures = 0
        while partial.size < entry.size:
            before = partial.size
            try:
                for piece in _arriving(self.hub, self.commit, entry, before, self.deadline):
                    partial.append(piece)
                    report(partial.size)
            except UnavailableHubError as error:
                failures = 1 if partial.size > before else failures + 1
                self.patience.wait(failures, error, self.deadline)

    @contextmanager
    def _growing(self, entry: FileEntry) -> Iterator[GrowingFile]:
        """The locked file in which a content grows; failures that are not its fault leave it."""
        path = self.cache.partial(entry)
        descriptor = create_locked(path, self.deadline)
        try:
            yield GrowingFile(path, descriptor, entry.hasher())
        except CorruptModelError as error:
            path.unlink(missing_ok=True)
            raise CorruptModelError(f"{self.commit}: {entry.path!r}: {error}") from error
        except OSError as error:
            if error.errno in _NO_ROOM:
                path.unlink()
            raise
        finally:
            os.close(descriptor)


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
            content = b"".join(_arriving(hub, commit, entry, 0, deadline))
            hasher = entry.hasher()
            hasher.update(content)
            entry.check_hash(hasher.hexdigest())
            return content
        except CorruptModelError as error:
            raise CorruptModelError(f"{commit}: {entry.path!r}: {error}") from error

    return (patience or Patience()).keep_trying(attempt, deadline)


def _arriving(
    hub: Hub, commit: Commit, entry: FileEntry, start: int, deadline: Deadline
) -> Iterator[bytes]:
    """A file from `start` on, in pieces as they come: as many bytes as are listed, and in time."""
    task, size = f"{commit}: {entry.path!r}", start
    with hub.read(commit, entry, start) as arriving:
        for piece in arriving:
            size += len(piece)
            if size > entry.size:
                raise CorruptModelError(f"more than the {entry.size} bytes that are listed")
            yield piece
            check(deadline, task)
    if size < entry.size:
        raise UnavailableHubError(f"{task}: cut off at {size} of {entry.size} bytes")
