"""A lock file: one writer at a time among all threads and processes of a machine."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.001
"""How often a waiting process looks again; a commit takes about as long."""


class FileLock:
    """An advisory lock that the system lets go when its process dies, however it dies.

    The file stays behind, empty: removing it would split the lock in two.
    """

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        # Reading is enough to lock, and lets users share a lock file that one of them made.
        self._file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Hold the lock, or raise TimeoutError after `patience` seconds of waiting."""
        deadline = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            raise TimeoutError
        try:
            self._wait_for_processes(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _wait_for_processes(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError from None
                time.sleep(POLL_SECONDS)
            else:
                return

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
