"""Several writers of one journal: threads, processes, and those that die."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iotapretrain.errors import ConflictError, StoreError
from iotapretrain.store.journal import Journal, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import (
    Draft,
)
from tests.store.conftest import IDENTITY, at_once, notes
from tests.store.processes import Child, append_each, die_writing


def test_expected_head(journal: Journal) -> None:
    journal.append(notes("a"), expected=0)
    journal.append(notes("b", "c"), expected=1)
    for wrong in (0, 1, 2, 4):
        with pytest.raises(
            ConflictError, match=f"expected record {wrong} .* but it is 3"
        ) as caught:
            journal.append(notes("x"), expected=wrong)
        assert (caught.value.expected, caught.value.found) == (wrong, 3)
    assert journal.head().sequence == 3


def test_of_two_writers_one_wins(address: str) -> None:
    with open_journal(address, IDENTITY) as one, open_journal(address) as other:
        for turn in range(20):
            outcomes = at_once(
                lambda journal=one, turn=turn: journal.append(notes("one"), expected=turn),
                lambda journal=other, turn=turn: journal.append(notes("other"), expected=turn),
            )
            assert sorted(type(outcome).__name__ for outcome in outcomes) == [
                "ConflictError",
                "list",
            ]
        assert verify(one).sequence == 20


def test_threads_share_a_journal(journal: Journal) -> None:
    def work(name: str) -> None:
        for number in range(25):
            journal.append([Draft("note", b"%d" % number, name)])

    at_once(*(lambda name=name: work(name) for name in "abcdefgh"))
    assert verify(journal).sequence == 200
    for name in "abcdefgh":
        mine = [int(record.payload) for record in journal.read() if record.author == name]
        assert mine == list(range(25))


def test_processes_share_a_journal(address: str) -> None:
    """Eight writers at once: none lost, none doubled, each in its order."""
    with open_journal(address, IDENTITY) as journal:
        children = {name: Child(append_each, address, name, 40) for name in "abcdefgh"}
        for child in children.values():
            assert child.received() == list(range(40))
            assert child.end() == 0
        assert verify(journal).sequence == 320
        for name in children:
            mine = [int(record.payload) for record in journal.read() if record.author == name]
            assert mine == list(range(40))


def test_acknowledged_records_survive_kill(address: str) -> None:
    """`kill -9` at eight writers in the middle of their work."""
    with open_journal(address, IDENTITY) as journal:
        children = {name: Child(append_each, address, name, 100_000) for name in "abcdefgh"}
        for child in children.values():
            while child.receive() != 20:
                pass
        acknowledged = {}
        for name, child in children.items():
            child.kill()
            acknowledged[name] = 21 + len(child.received())
            assert child.end() == -9
        with journal.writing() as writer:  # behind a commit that a server may still be doing
            stored = writer.head.sequence
        assert verify(journal).sequence == stored
        for name, count in acknowledged.items():
            mine = [int(record.payload) for record in journal.read() if record.author == name]
            assert mine == list(range(len(mine)))
            assert count <= len(mine) <= count + 1  # one may be stored and not yet acknowledged
        journal.append(notes("goes on"), expected=stored)


def test_a_writer_killed_before_its_commit_leaves_nothing(address: str) -> None:
    with open_journal(address, IDENTITY) as journal:
        child = Child(die_writing, address, 3, 5)
        assert child.received() == [0, 1, 2]
        assert child.end() == -9
        assert [record.kind for record in journal.read()] == ["stored"] * 3
        journal.append(notes("goes on"), expected=3)


def test_writing_decides_on_the_true_head(address: str) -> None:
    """Read, decide, append: no other writer comes between, so nothing is lost without retries."""

    def count_up(journal: Journal) -> None:
        for _ in range(20):
            with journal.writing() as writer:
                last = journal.record(writer.head.sequence)
                writer.append(notes(str(int(last.payload) + 1 if last else 1)))

    with open_journal(address, IDENTITY) as one, open_journal(address) as other:
        at_once(lambda: count_up(one), lambda: count_up(other), lambda: count_up(one))
        assert [int(record.payload) for record in one.read()] == list(range(1, 61))


def test_writing_that_raises_is_undone(journal: Journal) -> None:
    journal.append(notes("a"))

    def write_and_fail() -> None:
        with journal.writing() as writer:
            writer.append(notes("b"))
            writer.append(notes("c"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert journal.head().sequence == 1
    with journal.writing() as writer:
        assert writer.append(notes("b"))[0].sequence == 2
        assert writer.append(notes("c"))[0].sequence == 3
        assert writer.head.sequence == 3
    assert verify(journal).sequence == 3


def test_a_draft_that_fails_stores_none(journal: Journal) -> None:
    def drafts():
        yield Draft("a", b"")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.append(drafts())
    assert journal.head().sequence == 0


def test_waiting_for_a_writer_ends(
    new_address: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iotapretrain.store.open_journal.PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("iotapretrain.store.open_journal._SESSION", "SET lock_timeout = '200ms'")
    address = new_address()
    with open_journal(address, IDENTITY) as one, open_journal(address) as other:
        with one.writing() as writer:
            writer.append(notes("a"))
            with pytest.raises(StoreError, match="another writer has held it"):
                other.append(notes("b"))
            assert other.head().sequence == 0
        other.append(notes("b"))
        assert [record.payload for record in one.read()] == [b"a", b"b"]
