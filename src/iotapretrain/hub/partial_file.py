"""A content on its way here: hashed as it arrives, and synced to the disk while it grows."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from iotapretrain.disk.whole_files import pieces, write_all
from iotapretrain.errors import CorruptModelError
from iotapretrain.hub.protocol import FileEntry

SYNC_EVERY = 32 << 20
"""The disk is told to begin after so much: the sync at the end then finds little to do."""


def hasher_of(entry: FileEntry) -> hashlib._Hash:
    """Of the hash that the listing gives: SHA-256, or git's, which covers the size too."""
    if entry.sha256 is not None:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % entry.size, usedforsecurity=False)


def check_hash(entry: FileEntry, got: str) -> None:
    """Refuse bytes whose hash is not the listed one."""
    expected = entry.sha256 or entry.git_blob
    if got != expected:
        raise CorruptModelError(f"the bytes have hash {got}, listed is {expected}")


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
        """Write and hash one more piece."""
        self._hasher.update(piece)
        write_all(self._descriptor, piece)
        self.size += len(piece)
        fresh = self.size - self._synced
        if fresh >= SYNC_EVERY:
            # Linux begins to write back what is dirty there, and does not make us wait for it.
            os.posix_fadvise(self._descriptor, self._synced, fresh, os.POSIX_FADV_DONTNEED)
            self._synced = self.size

    def hexdigest(self) -> str:
        """The hash of all that it holds."""
        return self._hasher.hexdigest()

    def become(self, place: Path) -> None:
        """Appear at `place`, whole, for reading only, also after a power cut."""
        os.fchmod(self._descriptor, 0o444)
        os.fsync(self._descriptor)
        os.replace(self.path, place)
