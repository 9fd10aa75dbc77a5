"""python -m bench.store [--json]: how fast the journal appends, opens, verifies and is read.

The peer of appending is the bare driver: the same columns and the same durability without links,
without a shared lock and without SQLAlchemy. The peer of opening is replaying the whole journal.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.store.fold import SNAPSHOT_EVERY, Fold, Machine
from iotapretrain.store.journal import Journal, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, Record, canonical, parse
from tests.postgres import Cluster, binaries, running

IDENTITY = "bench"
MILLION = 1_000_000
GROUP = 100
GROUPS = 200
SINGLE = 1_000
THREADS = 16
PROCESSES = 4
ACCOUNTS = 256

DRAFT = Draft("extrinsic", b"x" * 200, "5" * 48, b"s" * 64)
"""About the size of a signed extrinsic."""

Balances = dict[str, int]


def transfer(number: int) -> Draft:
    """One of a million payments between 256 accounts."""
    source, target = f"account {number % ACCOUNTS}", f"account {number * 7 % ACCOUNTS}"
    return Draft("transfer", canonical({"by": number % 97, "from": source, "to": target}), source)


def move(state: Balances, record: Record) -> Balances:
    """A fold as they are: a payload decoded, a few of many values changed, the old state intact."""
    payment = msgspec.json.decode(record.payload)
    moved = dict(state)
    moved[payment["from"]] = moved.get(payment["from"], 0) - payment["by"]
    moved[payment["to"]] = moved.get(payment["to"], 0) + payment["by"]
    return moved


BANK: Machine[Balances, Draft] = Machine(
    "bank/1", {}, move, canonical, parse, lambda _, draft: [draft]
)


def bare_sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    columns = "kind TEXT, payload BLOB, author TEXT, signature BLOB, link BLOB"
    connection.execute(f"CREATE TABLE records (sequence INTEGER PRIMARY KEY, {columns})")
    return connection


def bare_append(connection: sqlite3.Connection, groups: int, size: int) -> None:
    row = (DRAFT.kind, DRAFT.payload, DRAFT.author, DRAFT.signature, b"l" * 32)
    for _ in range(groups):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO records VALUES (NULL, ?, ?, ?, ?, ?)", [row] * size)
        connection.execute("COMMIT")


def append(journal: Journal, groups: int, size: int) -> None:
    for _ in range(groups):
        journal.append([DRAFT] * size)


def at_once(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def append_singly(address: str, count: int, barrier: threading.Barrier) -> None:
    """One of several processes; they start together."""
    with open_journal(address) as journal:
        barrier.wait()
        append(journal, count, 1)
        barrier.wait()


def processes_per_second(address: str) -> float:
    """Records a second that several processes append one by one, durably, to one journal."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES + 1)
    work = (address, SINGLE, barrier)
    processes = [context.Process(target=append_singly, args=work) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    barrier.wait()
    started = time.perf_counter()
    barrier.wait()
    taken = time.perf_counter() - started
    for process in processes:
        process.join()
    return PROCESSES * SINGLE / taken


def at_least(name: str, ours: float, peer: float | None, least: float | None) -> Figure:
    """A rate, and what it must reach."""
    ratio = None if peer is None else ours / peer
    target = None if least is None else f">= {least:g}"
    return Figure(
        name, "records/s", ours, peer, ratio, target, None if least is None else ours >= least
    )


def appends(folder: Path) -> Iterator[Figure]:
    bare = bare_sqlite(folder / "bare.db")
    address = str(folder / "appends.db")
    with open_journal(address, IDENTITY) as journal, Fold(journal, PASSING) as fold:
        in_groups = alternate(
            lambda: append(journal, GROUPS, GROUP), lambda: bare_append(bare, GROUPS, GROUP)
        )
        singly = alternate(lambda: append(journal, SINGLE, 1), lambda: bare_append(bare, SINGLE, 1))
        (threaded,) = alternate(lambda: execute_from_threads(fold))
    bare.close()
    total = GROUPS * GROUP
    yield at_least(f"append in groups of {GROUP}", total / in_groups[0], total / in_groups[1], 5000)
    yield at_least("append one by one", SINGLE / singly[0], SINGLE / singly[1], 500)
    yield at_least(f"append one by one, {THREADS} threads", THREADS * SINGLE / threaded, None, None)
    rate = processes_per_second(address)
    yield at_least(f"append one by one, {PROCESSES} processes", rate, None, None)


PASSING: Machine[int, Draft] = Machine(
    "passing/1", 0, lambda state, _: state + 1, canonical, parse, lambda _, draft: [draft]
)


def execute_from_threads(fold: Fold[int, Draft]) -> None:
    at_once(THREADS, lambda: [None for _ in range(SINGLE) if not fold.execute(DRAFT)])


def build(path: Path) -> float:
    """A million records, the last snapshot as far back as it can be; seconds to replay them all."""
    with open_journal(path, IDENTITY) as journal:
        for start in range(0, MILLION - SNAPSHOT_EVERY + 1, SNAPSHOT_EVERY):
            journal.append(transfer(number) for number in range(start, start + SNAPSHOT_EVERY))
        started = time.perf_counter()
        with Fold(journal, BANK):
            taken = time.perf_counter() - started
        journal.append(transfer(number) for number in range(SNAPSHOT_EVERY - 1))
    return taken


def opened(path: Path) -> None:
    """As a fresh process does it, but without keeping a newer snapshot for the next run."""
    with open_journal(path) as journal, Fold(journal, BANK, snapshot_every=MILLION) as fold:
        if len(fold.state) != ACCOUNTS:
            raise RuntimeError("this is not the state of a million records")


def million(folder: Path) -> Iterator[Figure]:
    path = folder / "million.db"
    replayed = build(path)
    (opening,) = alternate(lambda: opened(path))
    with open_journal(path) as journal:
        started = time.perf_counter()
        count = verify(journal).sequence
        verifying = time.perf_counter() - started
    yield Figure(
        "open 1 M records", "s", opening, replayed, opening / replayed, "<= 2", opening <= 2
    )
    yield at_least("verify 1 M records", count / verifying, None, None)
    yield Figure(
        "memory to read 1 M records", "MB", reading_megabytes(path), None, None, None, None
    )


def reading_megabytes(path: Path) -> float:
    """How much a fresh process grows by while it reads everything."""
    command = [sys.executable, "-m", "bench.store", "--read", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_growth(path: str) -> None:
    with open_journal(path) as journal:
        list(journal.read(limit=1))
        before = memory_kilobytes("VmRSS")
        for _ in journal.read():
            pass
        print((memory_kilobytes("VmHWM") - before) / 1024)


def memory_kilobytes(which: str) -> int:
    """What this process holds now (VmRSS), or held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(which))


@contextmanager
def bare_postgres(cluster: Cluster) -> Iterator[psycopg.Connection]:
    columns = "kind text, payload bytea, author text, signature bytea, link bytea"
    with psycopg.connect(cluster.schema()) as connection:
        connection.execute(f"CREATE TABLE records (sequence bigserial PRIMARY KEY, {columns})")
        connection.commit()
        yield connection


def bare_append_postgres(connection: psycopg.Connection, groups: int, size: int) -> None:
    row = (DRAFT.kind, DRAFT.payload, DRAFT.author, DRAFT.signature, b"l" * 32)
    statement = (
        "INSERT INTO records (kind, payload, author, signature, link) VALUES (%s, %s, %s, %s, %s)"
    )
    for _ in range(groups):
        connection.cursor().executemany(statement, [row] * size)
        connection.commit()


def postgres() -> Iterator[Figure]:
    programs = binaries()
    if programs is None:
        return
    with running(programs, durable=True) as cluster, bare_postgres(cluster) as bare:
        address = cluster.schema()
        with open_journal(address, IDENTITY) as journal, Fold(journal, PASSING) as fold:
            in_groups = alternate(
                lambda: append(journal, GROUPS, GROUP),
                lambda: bare_append_postgres(bare, GROUPS, GROUP),
            )
            singly = alternate(
                lambda: append(journal, SINGLE, 1), lambda: bare_append_postgres(bare, SINGLE, 1)
            )
            (threaded,) = alternate(lambda: execute_from_threads(fold))
        total = GROUPS * GROUP
        rates = total / in_groups[0], total / in_groups[1]
        yield at_least(f"PostgreSQL: append in groups of {GROUP}", *rates, None)
        yield at_least(
            "PostgreSQL: append one by one", SINGLE / singly[0], SINGLE / singly[1], None
        )
        rate = THREADS * SINGLE / threaded
        yield at_least(f"PostgreSQL: append one by one, {THREADS} threads", rate, None, None)


def main() -> None:
    if sys.argv[1:2] == ["--read"]:
        print_growth(sys.argv[2])
        return
    chosen = arguments(__doc__)
    with tempfile.TemporaryDirectory(prefix="iota-bench-") as folder:
        figures = [*appends(Path(folder)), *million(Path(folder)), *postgres()]
    report("store", figures, chosen.json)


if __name__ == "__main__":
    main()
