"""A lock file: one writer at a time among all threads and processes of a machine."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iotapretrain.errors import StoreError

POLL_SECONDS = 0.001
"""How often a waiting process looks again; a commit takes about as long."""


class FileLock:
    """An advisory lock that the system lets go when its process dies, however it dies.

    The file is made when first needed and stays behind, empty: removing it would split the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._file: int | None = None

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Hold the lock, or raise StoreError after `patience` seconds of waiting."""
        deadline = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            raise self._busy(patience)
        try:
            file = self._opened()
            while not _taken(file):
                if time.monotonic() > deadline:
                    raise self._busy(patience)
                time.sleep(POLL_SECONDS)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        """Reading is enough to lock, and lets users share a file that one of them made."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise StoreError(f"{self._path}: cannot lock: {error.strerror}") from error
        return self._file

    def _busy(self, patience: float) -> StoreError:
        return StoreError(
            f"{self._path}: another writer has held it for more than {patience:g} s; try again"
        )


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
