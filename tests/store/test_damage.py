"""SQLite journals that were damaged, cut off, locked away, or never were journals."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from iotapretrain.errors import BrokenError, StoreError
from iotapretrain.store.journal import verified, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, Record
from tests.store.conftest import IDENTITY
from tests.store.processes import NOBODY, Child

PAGE = 4096


@pytest.fixture
def records(path: Path) -> list[Record]:
    """A closed journal of 300 records at `path`, about 40 pages."""
    random_bytes = random.Random(1).randbytes
    with open_journal(path, IDENTITY) as journal:
        return journal.append(
            Draft("note", b"record %d:" % n + random_bytes(400), "someone") for n in range(1, 301)
        )


def found(path: Path) -> tuple[list[Record], StoreError | None]:
    """What can still be read of a journal, and the error that ended it."""
    seen: list[Record] = []
    try:
        with open_journal(path) as journal:
            for record in verified(journal):
                seen.append(record)
    except StoreError as error:
        return seen, error
    return seen, None


def change(path: Path, place: int, new: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(new)


@pytest.mark.parametrize("number", [1, 7, 299, 300])
def test_a_flipped_byte_in_a_payload_is_named(
    path: Path, records: list[Record], number: int
) -> None:
    place = path.read_bytes().index(b"record %d:" % number) + 20
    change(path, place, bytes([path.read_bytes()[place] ^ 1]))
    seen, error = found(path)
    assert str(error) == f"record {number} does not hold: its bytes do not match its link"
    assert seen == records[: number - 1]


def test_text_that_is_no_text_any_more(path: Path, records: list[Record]) -> None:
    """The driver cannot even read the row: the record is named all the same, not its page."""
    place = path.read_bytes().index(b"record 42:") - len("note")
    assert path.read_bytes()[place : place + 4] == b"note"
    change(path, place, b"\xff")
    seen, error = found(path)
    assert isinstance(error, BrokenError)
    assert error.sequence == 42
    assert "it cannot be read" in str(error)
    assert seen == records[:41]


@pytest.mark.parametrize("value", ["'text'", "7000000000000", "1.5", "zeroblob(9)"])
def test_values_of_other_types_are_named(path: Path, records: list[Record], value: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE records SET payload = {value} WHERE sequence = 9")
    connection.commit()
    connection.close()
    seen, error = found(path)
    assert isinstance(error, BrokenError)
    assert error.sequence == 9
    assert seen == records[:8]


def test_garbage_pages_never_pass_for_records(path: Path, records: list[Record]) -> None:
    """Whatever page is torn: what is read before the error is what was written, in order."""
    rng = random.Random(2)
    whole = path.read_bytes()
    named = 0
    for page in range(len(whole) // PAGE):
        path.write_bytes(whole)
        garbage = (rng.randbytes(PAGE), bytes(PAGE), rng.randbytes(PAGE // 2))
        change(path, page * PAGE, garbage[page % 3])
        seen, error = found(path)
        assert seen == records[: len(seen)]
        assert (error is None) == (len(seen) == len(records))
        if isinstance(error, BrokenError):
            assert error.sequence == len(seen) + 1
            assert "\n" not in str(error)
            named += 1
    assert named > len(whole) // PAGE - 5


def test_a_cut_off_file_is_never_taken_for_whole(path: Path, records: list[Record]) -> None:
    whole = path.read_bytes()
    for size in (0, 1, 99, 100, PAGE - 1, PAGE, 2 * PAGE, *range(PAGE * 3 + 17, len(whole), 9999)):
        path.write_bytes(whole[:size])
        seen, error = found(path)
        assert error is not None
        assert seen == records[: len(seen)]
        assert len(seen) < len(records)


def leave_log(pipe: Connection, path: Path) -> None:
    """Die with everything still in the write-ahead log."""
    journal = open_journal(path, IDENTITY)
    for number in range(20):
        journal.append([Draft("note", b"%d" % number)])
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_torn_log_leaves_the_records_before_it(path: Path) -> None:
    """The disk lost what it had promised: what remains is a journal, shorter but whole."""
    child = Child(leave_log, path)
    assert child.received() == []
    assert child.end() == -9
    log = path.with_name(path.name + "-wal")
    whole = log.read_bytes()
    assert len(whole) > 20 * PAGE
    files = {name: (path.parent / name).read_bytes() for name in (path.name, log.name)}
    lengths = []
    for size in range(len(whole), 10 * PAGE, -7777):
        for name, content in files.items():
            (path.parent / name).write_bytes(content)
        log.write_bytes(whole[:size] + os.urandom(100))
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
        with open_journal(path) as journal:
            lengths.append(verify(journal).sequence)
            assert [int(record.payload) for record in journal.read()] == list(range(lengths[-1]))
            journal.append([Draft("note", b"goes on")], expected=lengths[-1])
    assert lengths[0] == 20
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 20


def a_text(path: Path) -> None:
    path.write_text("Dear diary, today I was not a journal. " * 100)


def another_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_text, "this is not a journal file"),
        (another_database, "this is a database of something else, not a journal"),
        (Path.mkdir, "this is a folder; name a file in it"),
    ],
)
@pytest.mark.parametrize("identity", [None, IDENTITY])
def test_not_a_journal(
    path: Path, make: Callable[[Path], None], message: str, identity: str | None
) -> None:
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(StoreError, match=message) as caught:
        open_journal(path, identity)
    assert str(path) in str(caught.value)
    assert path.is_dir() or path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_file(path: Path) -> None:
    """What a crash at the very beginning leaves: nothing to read, but it can still become one."""
    path.touch()
    with pytest.raises(StoreError, match="there is no journal here yet"):
        open_journal(path)
    with open_journal(path, IDENTITY) as journal:
        assert journal.append([Draft("a", b"")])


def test_a_missing_file_is_not_made_by_looking(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no journal here"):
        open_journal(path)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(StoreError, match="create it first"):
        open_journal(path.parent / "missing" / "journal.db", IDENTITY)


def read_and_write(pipe: Connection, path: Path) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    with open_journal(path, IDENTITY) as journal:
        pipe.send(list(journal.read()))
        pipe.send(journal.writable)
        try:
            journal.append([Draft("a", b"")])
        except StoreError as error:
            pipe.send(str(error))


@pytest.mark.parametrize("folder_mode", [0o555, 0o777])
@pytest.mark.parametrize("in_use", [False, True])
def test_a_read_only_journal_is_read_and_not_written(
    path: Path, records: list[Record], shared_folder: Path, folder_mode: int, in_use: bool
) -> None:
    """An archive, or the journal of another user who may have it open."""
    journal = shared_folder / "journal.db"
    shutil.copy(path, journal)
    with ExitStack() as owner:
        if in_use:
            owners = owner.enter_context(open_journal(journal))
            records = records + owners.append([Draft("new", b"in the log")])
        for file in shared_folder.iterdir():
            file.chmod(0o444)
        shared_folder.chmod(folder_mode)
        child = Child(read_and_write, journal)
        seen, writable, error = child.received()
        assert child.end() == 0
        shared_folder.chmod(0o777)
    assert seen == records
    assert not writable
    assert error == f"{journal}: this journal is read-only here; write to it elsewhere"
