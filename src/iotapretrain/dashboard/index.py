"""Everything the pages ask for, in one SQLite file that is made anew at every start.

Memory stays flat however many rounds there are: SQLite holds them. One thread writes; every reader
has a connection of its own and sees whole batches only.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar, final

import msgspec

from iotapretrain.competition.records.committed import model_commitment
from iotapretrain.rules.competition.commitment import Commitment

Shown = TypeVar("Shown", bound=msgspec.Struct)
SCHEMA = """
CREATE TABLE hotkeys (id INTEGER PRIMARY KEY, hotkey TEXT NOT NULL UNIQUE);
CREATE TABLE commitments (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE rounds (
    id INTEGER PRIMARY KEY, validator HOTKEY NOT NULL, round INTEGER NOT NULL,
    competition INTEGER NOT NULL, competition_name TEXT NOT NULL, block INTEGER NOT NULL,
    sync_block INTEGER NOT NULL, digest TEXT NOT NULL, sealed INTEGER NOT NULL,
    champion HOTKEY, champion_score REAL, champion_epsilon REAL, champion_block INTEGER,
    models INTEGER NOT NULL, scored INTEGER NOT NULL, pages INTEGER NOT NULL,
    pages_scored INTEGER NOT NULL, tasks TEXT NOT NULL, weights TEXT NOT NULL,
    size INTEGER NOT NULL,
    UNIQUE (validator, round)
);
CREATE INDEX rounds_by_sync_block ON rounds (validator, sync_block);
CREATE TABLE left_out (
    hotkey TEXT NOT NULL, reason TEXT NOT NULL, number INTEGER NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (hotkey, reason)
) WITHOUT ROWID;
CREATE INDEX rounds_by_competition ON rounds (competition, validator, block);
CREATE TABLE models (
    round INTEGER NOT NULL, hotkey HOTKEY NOT NULL, uid INTEGER NOT NULL, block INTEGER NOT NULL,
    "commitment" COMMITMENT NOT NULL, outcome TEXT NOT NULL, reasons TEXT, score REAL, epsilon REAL,
    wins INTEGER NOT NULL, win_rate REAL NOT NULL, weight REAL NOT NULL, standing REAL NOT NULL,
    raced_out INTEGER NOT NULL, tasks TEXT,
    PRIMARY KEY (round, hotkey)
) WITHOUT ROWID;
CREATE INDEX models_by_hotkey ON models (hotkey, round);
CREATE TABLE newest (
    validator HOTKEY NOT NULL, competition INTEGER NOT NULL, hotkey HOTKEY NOT NULL,
    number INTEGER NOT NULL, round INTEGER NOT NULL, PRIMARY KEY (validator, competition, hotkey)
) WITHOUT ROWID;
CREATE TABLE entries (
    competition INTEGER NOT NULL, "commitment" COMMITMENT NOT NULL, validator HOTKEY NOT NULL,
    hotkey HOTKEY NOT NULL, uid INTEGER NOT NULL, block INTEGER NOT NULL, score REAL,
    PRIMARY KEY (competition, "commitment", validator)
) WITHOUT ROWID;
CREATE INDEX entries_by_block ON entries (competition, block);
CREATE INDEX entries_by_hotkey ON entries (hotkey, block);
CREATE TABLE duels (competition INTEGER NOT NULL, validator HOTKEY NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (competition, validator)) WITHOUT ROWID;
CREATE TABLE verdicts (
    validator HOTKEY NOT NULL, hotkey HOTKEY NOT NULL, competition INTEGER NOT NULL,
    repository TEXT NOT NULL, revision TEXT NOT NULL, outcome TEXT NOT NULL, reasons TEXT NOT NULL,
    time REAL NOT NULL, PRIMARY KEY (validator, hotkey, competition, repository, revision)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX events_by_kind ON events (kind, id);
CREATE TABLE cards ("commitment" INTEGER PRIMARY KEY, title TEXT, parent TEXT, loss REAL);
CREATE TABLE epochs (
    block INTEGER NOT NULL, uid INTEGER NOT NULL, hotkey HOTKEY NOT NULL, stake INTEGER NOT NULL,
    emission INTEGER NOT NULL, incentive REAL NOT NULL, dividends REAL NOT NULL,
    consensus REAL NOT NULL, trust REAL NOT NULL, permit INTEGER NOT NULL,
    updated INTEGER NOT NULL, PRIMARY KEY (block, uid)
) WITHOUT ROWID;
CREATE INDEX epochs_by_hotkey ON epochs (hotkey, block);
CREATE TABLE chain_weights (validator INTEGER NOT NULL, uid INTEGER NOT NULL, weight REAL NOT NULL,
    PRIMARY KEY (validator, uid)) WITHOUT ROWID;
CREATE VIEW decided AS SELECT r.*, v.hotkey validator_hotkey, c.hotkey champion_hotkey,
    r.champion_score loss, r.champion_epsilon epsilon, r.block - r.champion_block age,
    CAST(r.pages_scored AS REAL) / r.pages pages_share
    FROM rounds r JOIN hotkeys v ON v.id = r.validator LEFT JOIN hotkeys c ON c.id = r.champion;
CREATE VIEW judged AS SELECT m.*, h.hotkey address, repository_of(c.text) repository,
    revision_of(c.text) revision, r.round number, r.competition, r.validator,
    v.hotkey validator_hotkey, r.block decided_at, r.champion_score
    FROM models m JOIN rounds r ON r.id = m.round JOIN hotkeys h ON h.id = m.hotkey
    JOIN hotkeys v ON v.id = r.validator JOIN commitments c ON c.id = m."commitment";
CREATE VIEW refusals AS SELECT v.*, h.hotkey address, w.hotkey validator_hotkey,
    NULL uid, NULL number, NULL decided_at, NULL tasks FROM verdicts v
    JOIN hotkeys h ON h.id = v.hotkey JOIN hotkeys w ON w.id = v.validator
    WHERE v.outcome != 'evaluated';
CREATE VIEW audits AS SELECT json_extract(body, '$.validator') validator,
    json_extract(body, '$.held') held FROM events WHERE kind = 'audited';
CREATE VIEW neurons AS SELECT e.*, h.hotkey address
    FROM epochs e JOIN hotkeys h ON h.id = e.hotkey;
"""
KEPT_ONCE = {"HOTKEY": ("hotkeys", "hotkey"), "COMMITMENT": ("commitments", "text")}
"""Texts of which columns of these types hold the numbers: where they are."""
COMMITMENTS_AT_HAND = 10_000
PARTS = {"repository_of": attrgetter("repo_id"), "revision_of": attrgetter("commit")}
"""Of a commitment's text, by what SQL calls them; null for a text that is none."""
PRAGMAS = ("journal_mode=WAL", "synchronous=OFF", "cache_size=-16000", "temp_store=MEMORY")
BUSY_SECONDS = 10.0


@final
class Index:
    """The file, its one writer, and a connection for every reading thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.Lock()
        self._writer = _connected(path)
        self._writer.executescript(SCHEMA)
        self._reading = threading.local()
        self._readers: list[sqlite3.Connection] = []

    @contextmanager
    def batch(self) -> Iterator[sqlite3.Connection]:
        """A transaction: readers see all of it or nothing."""
        with self._writing, self._writer:
            yield self._writer

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        return self._reader().execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        return next(iter(self.rows(statement, values)), None)

    def close(self) -> None:
        with self._writing:
            for connection in (*self._readers, self._writer):
                connection.close()

    def _reader(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._reading, "connection", None)
        if found is None:
            found = self._reading.connection = _connected(self.path)
            found.execute("PRAGMA query_only=ON")
            self._readers.append(found)
        return found


def insert(batch: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """What rows say of a table's columns, all the same ones; a row that is there is replaced."""
    if not rows:
        return
    known = batch.execute(f"PRAGMA table_info({table})").fetchall()
    columns = {row["name"]: row["type"] for row in known if row["name"] in rows[0]}
    marks = []
    for name, kind in columns.items():
        mark = f":{name}"
        if kind in KEPT_ONCE:
            place, text = KEPT_ONCE[kind]
            batch.executemany(f"INSERT OR IGNORE INTO {place} ({text}) VALUES ({mark})", rows)  # noqa: S608 -- names of our own
            mark = f"(SELECT id FROM {place} WHERE {text} = {mark})"  # noqa: S608 -- likewise
        marks.append(mark)
    names = ", ".join(f'"{name}"' for name in columns)
    batch.executemany(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join(marks)})", rows)  # noqa: S608 -- likewise


def shown(kind: type[Shown], row: sqlite3.Row | Mapping[str, Any], **more: object) -> Shown:
    """A row as an answer: columns with the names of its fields, and what no column says."""
    return msgspec.convert({**dict(row), **more}, kind, strict=False)  # SQLite keeps truths as 0, 1


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    for name, part in PARTS.items():
        connection.create_function(name, 1, partial(_part_of, part), deterministic=True)
    return connection


@lru_cache(maxsize=COMMITMENTS_AT_HAND)
def _part_of(part: Callable[[Commitment], str], text: str) -> str | None:
    commitment = model_commitment(text)
    return None if commitment is None else part(commitment)
