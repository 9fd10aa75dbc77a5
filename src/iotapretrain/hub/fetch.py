"""Bringing a pinned commit into the cache: decided from its listing, resumable and verified; and
one small file of a stranger into memory.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

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
from iotapretrain.net.retry import Deadline, Patience, late

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
) -> Model:
    """The whole, verified model of a pinned commit; what is already here is not asked for again."""
    deadline = Deadline.after(seconds)
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
    with _disk_errors(commit, cache), cache.reserve(sizes, deadline):
        transfer = _Transfer(hub, commit, cache, deadline, patience or Patience())
        here, total = 0, sum(each.size for each in wanted)
        for each in wanted:
            report = partial(_report, progress, here, total)
            transfer.bring(each, report)
            report(each.size)
            here += each.size
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


def _report(progress: Progress | None, before: int, total: int, size: int) -> None:
    if progress is not None:
        progress(before + size, total)


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
        blob, task = self.cache.blob(entry), _task(self.commit, entry)
        with self._growing(entry) as growing:
            if blob.exists():
                growing.path.unlink()
                if blob.stat().st_size != entry.size:
                    listed = f"listed with {entry.size} bytes, which it has not"
                    raise CorruptModelError(f"{task}: {listed}")
                return
            self._fill(growing, entry, report)
            entry.check_hash(growing.hexdigest(), task)
            growing.become(blob)
            sync_folder(blob.parent)

    def _fill(self, growing: GrowingFile, entry: FileEntry, report: Callable[[int], None]) -> None:
        failures = 0
        while growing.size < entry.size:
            before = growing.size
            try:
                for piece in _arriving(self.hub, self.commit, entry, before, self.deadline):
                    growing.append(piece)
                    report(growing.size)
            except UnavailableHubError as error:
                failures = 1 if growing.size > before else failures + 1
                self.patience.wait(failures, error, self.deadline)

    @contextmanager
    def _growing(self, entry: FileEntry) -> Iterator[GrowingFile]:
        """The locked file in which a content grows; failures that are not its fault leave it."""
        path = self.cache.partial(entry)
        descriptor = create_locked(path, self.deadline)
        try:
            yield GrowingFile(path, descriptor, entry.hasher())
        except CorruptModelError:
            path.unlink(missing_ok=True)
            raise
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
) -> bytes:
    """The bytes that the listing promises; refused unread where it promises too many."""
    if entry.size > most_bytes:
        raise RefusedModelError(
            f"{commit}: {entry.path!r} has {entry.size} bytes, more than the {most_bytes} allowed"
        )
    deadline = Deadline.after(seconds)

    def attempt() -> bytes:
        content = b"".join(_arriving(hub, commit, entry, 0, deadline))
        hasher = entry.hasher()
        hasher.update(content)
        entry.check_hash(hasher.hexdigest(), _task(commit, entry))
        return content

    return (patience or Patience()).keep_trying(attempt, deadline)


def _task(commit: Commit, entry: FileEntry) -> str:
    return f"{commit}: {entry.path!r}"


def _arriving(
    hub: Hub, commit: Commit, entry: FileEntry, start: int, deadline: Deadline
) -> Iterator[bytes]:
    """A file from `start` on, in pieces as they come: as many bytes as are listed, and in time."""
    task, size = _task(commit, entry), start
    with hub.read(commit, entry, start) as arriving:
        for piece in arriving:
            size += len(piece)
            if size > entry.size:
                raise CorruptModelError(f"{task}: more than the {entry.size} bytes that are listed")
            yield piece
            if deadline.left() <= 0:
                raise late(task)
    if size < entry.size:
        raise UnavailableHubError(f"{task}: cut off at {size} of {entry.size} bytes")
