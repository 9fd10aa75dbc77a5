"""Files that are whole or absent at any moment, and locks that die with their holder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iotapretrain.net.retry import Deadline, late

PIECE = 1 << 18
"""Small enough to stay in the processor's cache between reading, hashing and writing."""
SYNC_EVERY = 32 << 20
"""The disk is told to begin after so much: the sync at the end then finds little to do."""
LOCK_PATIENCE = 60.0
"""Longest wait for another's write; evicting from 100,000 files takes about one second."""
PRIVATE = 0o600
"""The mode of files that hold what nobody else may know."""
_POLL = 0.02
"""Seconds between two tries: a lock of the kernel tells nobody when it is let go."""


def user_cache() -> Path:
    """Our folder among the user's caches."""
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "iotapretrain"


def shipped(kind: str) -> Path:
    """The folder of what ships with us: in the source tree, or beside an installed package."""
    tree = Path(__file__).parents[3]
    ours = tree / ("tests/conformance" if kind == "vectors" else "examples") / kind
    installed = Path(sysconfig.get_path("data")) / "share" / "iotapretrain" / kind
    return ours if ours.is_dir() else installed


def shipped_file(place: Path, kind: str, suffix: str) -> Path:
    """A file by its path; where there is none, one of ours by its name."""
    ours = shipped(kind) / f"{place}{suffix}"
    return ours if not place.exists() and ours.is_file() else place


def pieces(source: Path | bytes, start: int = 0) -> Iterator[bytes]:
    """The content from `start` on, a piece at a time."""
    if isinstance(source, bytes):
        yield source[start:]
        return
    with open(source, "rb", buffering=0) as file:
        file.seek(start)
        while piece := file.read(PIECE):
            yield piece


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte: the kernel may take fewer at a time."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def private_folder(path: Path) -> None:
    """Make a folder its owner's alone, whether it is there already or not."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def close_to_others(database: Path) -> None:
    """A database of SQLite that is there already, with its log, if they are ours."""
    for suffix in ("", "-wal", "-shm"):
        file = database.with_name(database.name + suffix)
        if file.exists() and file.stat().st_uid == os.geteuid():
            file.chmod(PRIVATE)


def write_whole(path: Path, content: bytes, mode: int = 0o644, *, durable: bool = True) -> None:
    """Put `content` at `path`: readers see the old file or the new one, also after a power cut.

    What can be had again need not be `durable`: the disk is then not waited for.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        write_all(descriptor, content)
        os.fchmod(descriptor, mode)
        if durable:
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class GrowingFile:
    """An open file and the hash of all it holds; what it held before is read and hashed first."""

    def __init__(self, path: Path, descriptor: int, hasher: hashlib._Hash) -> None:
        self.path, self._descriptor, self._hasher = path, descriptor, hasher
        self.size = 0
        for piece in pieces(path):
            self._hasher.update(piece)
            self.size += len(piece)
        self._synced = self.size
        os.lseek(descriptor, self.size, os.SEEK_SET)

    def append(self, piece: bytes) -> None:
        self._hasher.update(piece)
        write_all(self._descriptor, piece)
        self.size += len(piece)
        fresh = self.size - self._synced
        if fresh >= SYNC_EVERY:
            # Linux begins to write back what is dirty there, and does not make us wait for it.
            os.posix_fadvise(self._descriptor, self._synced, fresh, os.POSIX_FADV_DONTNEED)
            self._synced = self.size

    def hexdigest(self) -> str:
        return self._hasher.hexdigest()

    def become(self, place: Path) -> None:
        """Appear at `place`, whole, for reading only, also after a power cut."""
        os.fchmod(self._descriptor, 0o444)
        os.fsync(self._descriptor)
        os.replace(self.path, place)


def try_lock(path: Path, flags: int = os.O_RDONLY, *, shared: bool = False) -> int | None:
    """Open and lock what lies at `path`; None if it is locked by another or gone.

    The lock lasts until the descriptor is closed, at the latest when the process dies.
    """
    try:
        descriptor = os.open(path, flags, 0o644)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        still_there = os.path.samestat(os.stat(path), os.fstat(descriptor))
    except (BlockingIOError, FileNotFoundError):
        still_there = False
    if still_there:
        return descriptor
    os.close(descriptor)
    return None


def wait_for_lock(
    path: Path, deadline: Deadline, flags: int = os.O_RDWR, poll: float = _POLL
) -> int | None:
    """Open and lock the file at `path`, made where it is missing; None if another keeps it."""
    while (descriptor := try_lock(path, flags | os.O_CREAT)) is None:
        if deadline.left() <= 0:
            return None
        time.sleep(poll)
    return descriptor


def create_locked(path: Path, deadline: Deadline) -> int:
    """The same; an error if another keeps it."""
    descriptor = wait_for_lock(path, deadline)
    if descriptor is None:
        raise late(f"{path}: waiting for another process to let go of it")
    return descriptor


@contextmanager
def locked(path: Path, deadline: Deadline | None = None) -> Iterator[None]:
    """Be the only one inside, among all threads and processes that name the same lock file."""
    descriptor = create_locked(path, deadline or Deadline.after(LOCK_PATIENCE))
    try:
        yield
    finally:
        unlock(descriptor)


def unlock(descriptor: int) -> None:
    """Let go, also of what a child that was forked meanwhile inherited."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
