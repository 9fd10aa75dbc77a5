"""What a model lost on a page, kept ever after: the same bytes on the same tokens by the same code.
One SQLite file, its owner's alone, that any number of processes share; it holds what is secret yet.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

import iotapretrain.models
from iotapretrain.data.documents import digest_of
from iotapretrain.disk.whole_files import PRIVATE, close_to_others
from iotapretrain.errors import InputError, StoreError

ENTRIES = 1_000_000
"""About 150 MB. The oldest go first: their pages come never again."""
BUSY_SECONDS = 60.0

TABLE = """
    CREATE TABLE IF NOT EXISTS answers (
        number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL, answer TEXT NOT NULL
    )
"""


class LossCache(contextlib.AbstractContextManager["LossCache"]):
    """Answers of workers by key, at most `entries` of them."""

    def __init__(self, path: Path, entries: int = ENTRIES) -> None:
        if entries < 1:
            raise InputError(f"losses {path}: a bound of {entries} entries; give 1 or more")
        self.path, self.entries = path, entries
        self._turn = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = self._opened()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def find(self, keys: Iterable[str]) -> dict[str, Any]:
        """The answers that are known."""
        query = "SELECT key, answer FROM answers WHERE key IN (SELECT value FROM json_each(?))"
        with self._transaction() as connection:
            found = connection.execute(query, [msgspec.json.encode(list(keys)).decode()]).fetchall()
        return {key: msgspec.json.decode(answer) for key, answer in found}

    def keep(self, answers: Mapping[str, Any]) -> None:
        """All of them are durable on return, or none."""
        rows = [(key, msgspec.json.encode(answer).decode()) for key, answer in answers.items()]
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO answers (key, answer) VALUES (?, ?)", rows
            )
            connection.execute(
                "DELETE FROM answers WHERE number <= (SELECT max(number) FROM answers) - ?",
                [self.entries],
            )

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.OperationalError as error:  # locked for long, no rights, disk full
            raise _failed(self.path, error) from error
        except sqlite3.DatabaseError:  # damaged: put aside, for all of it can be computed again
            for suffix in ("", "-wal", "-shm"):
                damaged = self.path.with_name(self.path.name + suffix)
                if damaged.exists():
                    damaged.replace(damaged.with_name(damaged.name + ".damaged"))
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        _keep_private(self.path)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(TABLE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            try:
                self._connection.execute("BEGIN")
                with self._connection:
                    yield self._connection
            except sqlite3.Error as error:
                raise _failed(self.path, error) from error


def _keep_private(path: Path) -> None:
    """SQLite gives its log the mode of the file; those of before are closed to others too."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE))
        close_to_others(path)
    except OSError as error:
        raise _failed(path, error) from error


def _failed(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    return StoreError(
        f"losses {path}: {error}; free space there, or remove the file: it is computed again"
    )


@cache
def scoring_code() -> str:
    """Changes whenever a loss might: with what computes it, its libraries, the kind of machine."""
    folder = Path(iotapretrain.models.__path__[0])
    parts: list[bytes | str] = [platform.machine(), version("torch"), version("transformers")]
    for path in sorted(folder.rglob("*.py")):
        parts += [path.relative_to(folder).as_posix(), path.read_bytes()]
    return digest_of(*parts)
