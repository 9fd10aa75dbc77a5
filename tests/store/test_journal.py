"""What every journal does, whatever database holds it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from iotapretrain.errors import BrokenError, StoreError
from iotapretrain.store import journal as store
from iotapretrain.store.journal import Journal, verified, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import (
    PAYLOAD_BYTES,
    Draft,
    Head,
    Record,
    Snapshot,
    chained,
    first_head,
)
from tests.store.conftest import IDENTITY, at_once, notes

FULL = Draft("kind", bytes(range(256)), "author", b"\x00" * 64)


def test_empty(journal: Journal) -> None:
    assert journal.head() == first_head(IDENTITY) == verify(journal)
    assert list(journal.read()) == []
    assert journal.record(1) is None
    assert journal.append([]) == []
    assert journal.snapshot("state/1") is None


def test_what_was_appended_is_read(journal: Journal) -> None:
    new = journal.append([FULL, Draft("empty", b"")])
    new += journal.append([Draft("large", b"\x7f" * PAYLOAD_BYTES)])
    assert new == chained(
        first_head(IDENTITY), [FULL, Draft("empty", b""), Draft("large", b"\x7f" * PAYLOAD_BYTES)]
    )
    assert list(journal.read()) == new
    assert journal.head() == new[-1].head == verify(journal)
    assert [journal.record(n) for n in (0, 1, 3, 4)] == [None, new[0], new[2], None]
    assert [journal.record(n) for n in (-1, 2**63, -(10**30))] == [None] * 3


def test_it_is_there_after_reopening(address: str) -> None:
    with open_journal(address, IDENTITY) as journal:
        new = journal.append([FULL])
    with open_journal(address) as journal:
        assert journal.identity == IDENTITY
        assert list(journal.read()) == new


def test_reading_from_a_place_on(journal: Journal) -> None:
    new = journal.append(notes(*map(str, range(25))))
    for after in (0, 1, 9, 10, 11, 24, 25, 26):
        for limit in (None, 0, 1, 10, 30):
            expected = new[after:] if limit is None else new[after : after + limit]
            assert list(journal.read(after, limit)) == expected


def test_reading_in_pages(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends by records or by bytes, and nothing is lost between two."""
    new = journal.append(Draft("note", b"x" * (n % 7) * 100) for n in range(300))
    monkeypatch.setattr(store, "PAGE_RECORDS", 70)
    monkeypatch.setattr(store, "PAGE_BYTES", 2000)
    assert list(journal.read()) == new
    assert list(journal.read(5, 290)) == new[5:295]


def test_reading_holds_a_page_and_not_the_journal(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE_BYTES", 2**20)
    monkeypatch.setattr(store, "CHUNK_RECORDS", 4)
    for _ in range(4):
        journal.append([Draft("large", b"x" * 2**18)] * 16)
    tracemalloc.start()
    try:
        assert sum(len(record.payload) for record in journal.read()) == 2**24
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**22


def test_a_reader_is_not_held_up_and_holds_nobody_up(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old reader, between two pages, while others append: it sees all, in order, once."""
    monkeypatch.setattr(store, "PAGE_RECORDS", 3)
    with open_journal(address, IDENTITY) as writer, open_journal(address) as reader:
        new = writer.append(notes("a", "b", "c", "d"))
        reading = reader.read()
        seen = [next(reading)]
        with writer.writing() as turn:
            new += turn.append(notes("e"))
            seen += [next(reading) for _ in range(3)]  # the uncommitted record does not exist yet
            assert reader.head() == new[3].head
        new += writer.append(notes("f", "g"))
        assert seen + list(reading) == new


def test_identities_keep_journals_apart(new_address: Callable[[], str]) -> None:
    address = new_address()
    with pytest.raises(StoreError, match="there is no journal here"):
        open_journal(address)
    open_journal(address, IDENTITY).close()
    with pytest.raises(StoreError, match="this is journal 'test journal', not 'another'"):
        open_journal(address, "another")
    with open_journal(address) as one, open_journal(new_address(), "another") as other:
        assert one.append([FULL])[0].link != other.append([FULL])[0].link


def test_making_a_journalat_once(new_address: Callable[[], str]) -> None:
    """Several processes may find none and create it; they get the same one."""
    address = new_address()
    opened = at_once(*[lambda: open_journal(address, IDENTITY)] * 4)
    for number, journal in enumerate(opened):
        journal.append(notes("a"), expected=number)
    for journal in opened:
        journal.close()


def test_a_newer_format_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FORMAT", 2)
    open_journal(address, IDENTITY).close()
    monkeypatch.undo()
    with pytest.raises(StoreError, match="written in format 2; this version reads 1"):
        open_journal(address)


def test_snapshots(journal: Journal) -> None:
    new = journal.append(notes("a", "b", "c"))
    heads = [record.head for record in new]
    journal.save_snapshot("state/1", Snapshot(heads[0], b"first"))
    journal.save_snapshot("state/1", Snapshot(heads[2], b"third"))
    journal.save_snapshot("state/2", Snapshot(heads[1], b"other"))
    assert journal.snapshot("state/1") == Snapshot(heads[2], b"third")
    assert journal.snapshot("state/1", 3) == Snapshot(heads[2], b"third")
    assert journal.snapshot("state/1", 2) == Snapshot(heads[0], b"first")
    assert journal.snapshot("state/1", 0) is None
    assert journal.snapshot("state/2") == Snapshot(heads[1], b"other")
    journal.save_snapshot("state/1", Snapshot(heads[2], b"again"))
    assert journal.snapshot("state/1") == Snapshot(heads[2], b"again")


def test_old_snapshots_go(journal: Journal) -> None:
    heads = [record.head for record in journal.append(notes(*"abcdefgh"))]
    for head in heads:
        journal.save_snapshot("state/1", Snapshot(head, b"state"))
    kept = [journal.snapshot("state/1", head.sequence) for head in heads]
    assert [found is not None for found in kept] == [False] * 4 + [True] * 4


def test_snapshots_that_do_not_match_are_ignored(journal: Journal) -> None:
    first, second = (record.head for record in journal.append(notes("a", "b")))
    journal.save_snapshot("state/1", Snapshot(first, b"good"))
    journal.save_snapshot("state/1", Snapshot(Head(2, first.link), b"of another record"))
    assert journal.snapshot("state/1") == Snapshot(first, b"good")
    journal.save_snapshot("state/1", Snapshot(Head(7, first.link), b"of no record"))
    assert journal.snapshot("state/1") == Snapshot(first, b"good")
    journal.save_snapshot("state/1", Snapshot(second, b"later"))
    damage(journal, "UPDATE snapshots SET state = 'damaged' WHERE sequence = 2")
    assert journal.snapshot("state/1") == Snapshot(first, b"good")


@pytest.mark.parametrize(
    ("statement", "sequence", "reason"),
    [
        ("UPDATE records SET payload = link WHERE sequence = 2", 2, "do not match its link"),
        ("UPDATE records SET kind = 'other' WHERE sequence = 3", 3, "do not match its link"),
        ("UPDATE records SET author = 'other' WHERE sequence = 1", 1, "do not match its link"),
        ("UPDATE records SET signature = link WHERE sequence = 4", 4, "do not match its link"),
        ("UPDATE records SET link = signature WHERE sequence = 2", 2, "do not match its link"),
        ("DELETE FROM records WHERE sequence = 2", 2, "it is missing; the next one found is 3"),
        ("DELETE FROM records WHERE sequence < 4", 1, "it is missing; the next one found is 4"),
        ("UPDATE records SET sequence = 9 WHERE sequence = 4", 4, "the next one found is 9"),
    ],
)
def test_verify_names_the_first_record_that_does_not_hold(
    journal: Journal, statement: str, sequence: int, reason: str
) -> None:
    new = journal.append(notes("a", "b", "c", "d"))
    damage(journal, statement)
    with pytest.raises(BrokenError, match=f"record {sequence} does not hold: .*{reason}"):
        verify(journal)
    assert until_broken(journal) == new[: sequence - 1]


def test_verify_finds_records_of_another_journal(new_address: Callable[[], str]) -> None:
    with (
        open_journal(new_address(), IDENTITY) as one,
        open_journal(new_address(), "another") as other,
    ):
        one.append(notes("a"))
        (theirs,) = other.append(notes("a"))
        damage(one, f"UPDATE records SET link = {_literal(one, theirs.link)}")
        with pytest.raises(BrokenError, match="record 1 does not hold"):
            verify(one)


def test_a_database_of_something_else(new_address: Callable[[], str]) -> None:
    address = new_address()
    with open_journal(address, IDENTITY) as journal:
        damage(journal, "DROP TABLE records")
    with pytest.raises(StoreError, match="a database of something else"):
        open_journal(address, IDENTITY)


def test_a_journal_that_does_not_know_itself(address: str) -> None:
    with open_journal(address, IDENTITY) as journal:
        damage(journal, "DELETE FROM journal")
    with pytest.raises(StoreError, match="the journal's own row is lost"):
        open_journal(address, IDENTITY)


def test_nothing_is_appended_to_a_damaged_head(journal: Journal) -> None:
    journal.append(notes("a", "b"))
    damage(journal, "UPDATE records SET link = signature WHERE sequence = 2")
    with pytest.raises(BrokenError, match="record 2 does not hold: its link is damaged"):
        journal.append(notes("c"))


def test_what_the_writer_itself_raises_is_not_changed(journal: Journal) -> None:
    with pytest.raises(TimeoutError), journal.writing():
        raise TimeoutError


def test_errors_of_the_database_are_one_line(journal: Journal) -> None:
    damage(journal, "DROP TABLE records")
    for call in (journal.head, lambda: journal.append(notes("a")), lambda: list(journal.read())):
        with pytest.raises(StoreError) as caught:
            call()
        assert journal.name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "where",
    ["mysql://host/db", "postgresql://[", "/nowhere/at/all.db", "/tmp", "sqlite:////nowhere/a.db"],
)
def test_places_where_no_journal_can_be(where: str) -> None:
    with pytest.raises(StoreError):
        open_journal(where, IDENTITY)


def test_a_server_that_does_not_answer() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError) as caught:
        open_journal("postgresql://user:secret@127.0.0.1:1/none", IDENTITY)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_of_a_path(path: Path) -> None:
    open_journal(f"sqlite:///{path}", IDENTITY).close()
    with open_journal(path) as journal:
        assert journal.name == str(path)


def until_broken(journal: Journal) -> list[Record]:
    """The records that `verified` gives before it names one."""
    seen = []
    try:
        for record in verified(journal):
            seen.append(record)
    except BrokenError:
        return seen
    pytest.fail("every record holds")


def damage(journal: Journal, statement: str) -> None:
    """Change the database behind the journal's back."""
    with journal._engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _literal(journal: Journal, value: bytes) -> str:
    return f"'\\x{value.hex()}'" if journal._engine.name == "postgresql" else f"x'{value.hex()}'"
