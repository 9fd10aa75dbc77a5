"""Bringing a pinned commit into the cache: decided from its listing, resumable and verified."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from iotapretrain.disk.whole_files import create_locked, sync_folder
from iotapretrain.errors import (
    CorruptModelError,
    FullCacheError,
    HubError,
    RefusedModelError,
    UnavailableHubError,
)
from iotapretrain.hub.fetched_model import Model
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.model_files import MOST_FILES, check_together, is_model_file
from iotapretrain.hub.partial_file import GrowingFile, check_hash, hasher_of
from iotapretrain.hub.patience import Patience
from iotapretrain.hub.protocol import Commit, FileEntry, Hub, Listing
from iotapretrain.net.waiting import Clock, Deadline, check

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
    cache: Cache,
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
def _disk_errors(commit: Commit, cache: Cache) -> Iterator[None]:
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
    cache: Cache
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
            check_hash(entry, partial.hexdigest())
            partial.become(blob)
            sync_folder(blob.parent)

    def _fill(self, partial: GrowingFile, entry: FileEntry, report: Callable[[int], None]) -> None:
        failures = 0
        while partial.size < entry.size:
            before = partial.size
            try:
                self._stream(partial, entry, report)
            except UnavailableHubError as error:
                failures = 1 if partial.size > before else failures + 1
                self.patience.wait(failures, error, self.deadline)

    def _stream(
        self, partial: GrowingFile, entry: FileEntry, report: Callable[[int], None]
    ) -> None:
        task = f"{self.commit}: {entry.path!r}"
        with self.hub.read(self.commit, entry, partial.size) as arriving:
            for piece in arriving:
                if partial.size + len(piece) > entry.size:
                    raise CorruptModelError(f"more than the {entry.size} bytes that are listed")
                partial.append(piece)
                report(partial.size)
                check(self.deadline, task)
        if partial.size < entry.size:
            raise UnavailableHubError(f"{task}: cut off at {partial.size} of {entry.size} bytes")

    @contextmanager
    def _growing(self, entry: FileEntry) -> Iterator[GrowingFile]:
        """The locked file in which a content grows; failures that are not its fault leave it."""
        path = self.cache.partial(entry)
        descriptor = create_locked(path, self.deadline)
        try:
            yield GrowingFile(path, descriptor, hasher_of(entry))
        except CorruptModelError as error:
            path.unlink(missing_ok=True)
            raise CorruptModelError(f"{self.commit}: {entry.path!r}: {error}") from error
        except OSError as error:
            if error.errno in _NO_ROOM:
                path.unlink()
            raise
        finally:
            os.close(descriptor)
