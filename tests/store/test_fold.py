"""A live state over a journal: always what replaying the journal from its first record gives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotapretrain.errors import BrokenError, InputError, StoreError
from iotapretrain.store.fold import Fold, Machine
from iotapretrain.store.journal import Journal, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, Record, canonical, parse
from tests.store.conftest import IDENTITY

Balances = dict[str, int]
Transfer = tuple[str, str, int]


class OverdrawnError(InputError):
    """The account does not hold enough."""


def decide(state: Balances, command: Transfer) -> list[Draft]:
    """Coins may be minted by the empty account, and moved by those who have them."""
    source, target, amount = command
    if source and state.get(source, 0) < amount:
        raise OverdrawnError(f"{source} holds {state.get(source, 0)}, not {amount}")
    moved = [(source, -amount)] if source else []
    return [Draft("add", canonical([who, by])) for who, by in [*moved, (target, amount)] if by]


def apply(state: Balances, record: Record) -> Balances:
    who, by = parse(record.payload)
    return {**state, who: state.get(who, 0) + by}


BANK: Machine[Balances, Transfer] = Machine("bank/1", {}, apply, canonical, parse, decide)


def replayed(journal: Journal, to: int | None = None) -> Balances:
    return reduce(apply, journal.read(0, to), {})


def test_commands_change_the_state(journal: Journal) -> None:
    with Fold(journal, BANK) as bank:
        assert bank.state == {}
        (minted,) = bank.execute(("", "ann", 10))
        assert bank.state == {"ann": 10}
        assert [record.kind for record in bank.execute(("ann", "bob", 4))] == ["add", "add"]
        assert bank.execute(("ann", "bob", 0)) == []
        assert bank.position.head == journal.head()
        assert bank.position.state == {"ann": 6, "bob": 4} == replayed(journal)
        assert journal.record(1) == minted


def test_refusals_store_nothing_and_reach_their_submitter(journal: Journal) -> None:
    with Fold(journal, BANK) as bank:
        bank.execute(("", "ann", 10))
        orders = [("ann", "bob", 3), ("ann", "bob", 8), ("ann", "bob", 7), ("ann", "bob", 1)]
        futures = [bank.submit(order) for order in orders]
        assert [future.exception(10) is None for future in futures] == [True, False, True, False]
        with pytest.raises(OverdrawnError, match="ann holds 7, not 8"):
            futures[1].result()
        assert bank.state == {"ann": 0, "bob": 10} == replayed(journal)


def test_a_bug_in_the_rules_reaches_its_submitter_and_stores_nothing(journal: Journal) -> None:
    def stumble(state: Balances, record: Record) -> Balances:
        return {"balance": 1 // parse(record.payload)[1]}

    clumsy = replace(BANK, apply=stumble, decide=lambda _, by: [Draft("add", canonical(["a", by]))])
    with Fold(journal, clumsy) as fold:
        good, bad, next_one = (fold.submit(by) for by in (1, 0, 2))
        with pytest.raises(ZeroDivisionError):
            bad.result(10)
        assert [good.result(10)[0].sequence, next_one.result(10)[0].sequence] == [1, 2]
        assert verify(journal).sequence == 2


def test_folds_of_several_writers_agree(address: str) -> None:
    """Money is neither lost nor made, though everybody spends the same account at once."""
    with open_journal(address, IDENTITY) as one, open_journal(address) as other:
        with Fold(one, BANK) as first, Fold(other, BANK) as second:
            first.execute(("", "ann", 100))
            paid: list[int] = []

            def spend(bank: Fold[Balances, Transfer], name: str) -> None:
                for _ in range(20):
                    try:
                        bank.execute(("ann", name, 1))
                    except OverdrawnError:
                        continue
                    paid.append(1)

            threads = [
                threading.Thread(target=spend, args=((first, second)[number % 2], f"{number}"))
                for number in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(paid) == 100
            assert first.catch_up() == second.catch_up() == replayed(one)
            assert sum(first.state.values()) == 100
            assert first.state["ann"] == 0
        assert verify(one).sequence == 201


def test_a_late_catch_up_does_not_turn_the_state_back(journal: Journal) -> None:
    """A thread may finish catching up after another has already gone on."""
    with Fold(journal, BANK) as bank:
        late = bank.position
        bank.execute(("", "ann", 1))
        assert bank._publish(late).state == {"ann": 1}
        assert bank.state == {"ann": 1}


def test_what_waits_for_the_disk_is_one_commit(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    journal, other = open_journal(address, IDENTITY), open_journal(address)
    writing = type(journal).writing
    monkeypatch.setattr(
        type(journal), "writing", lambda self: commits.append(self) or writing(self)
    )
    with journal, other, Fold(journal, BANK) as bank:
        with other.writing():
            futures = [bank.submit(("", f"{number % 7}", 1)) for number in range(500)]
        assert sum(len(future.result(10)) for future in futures) == 500
    assert 1 <= commits.count(journal) <= 2


def test_a_failing_commit_changes_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iotapretrain.store.open_journal.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("iotapretrain.store.open_journal._SESSION", "SET lock_timeout = '100ms'")
    journal, other = open_journal(address, IDENTITY), open_journal(address)
    with journal, other, Fold(journal, BANK) as bank:
        with other.writing(), pytest.raises(StoreError, match="another writer"):
            bank.execute(("", "ann", 1))
        assert bank.catch_up() == {}
        bank.execute(("", "ann", 2))
        assert bank.state == {"ann": 2}


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    amounts=st.lists(st.lists(st.integers(0, 9), max_size=9), max_size=4),
    every=st.sampled_from([1, 3, 10, 1000]),
)
def test_snapshots_never_change_the_state(
    new_address: Callable[[], str], amounts: list[list[int]], every: int
) -> None:
    address = new_address()
    for number, batch in enumerate(amounts):
        with open_journal(address, IDENTITY) as journal, Fold(journal, BANK, every) as bank:
            assert bank.state == replayed(journal)
            for amount in batch:
                bank.execute(("", f"{number}", amount))
            assert bank.state == replayed(journal)
            for sequence in range(bank.position.head.sequence + 1):
                assert bank.at(sequence) == replayed(journal, sequence)


def counting(replays: list[int]) -> Machine[Balances, Transfer]:
    def counted(state: Balances, record: Record) -> Balances:
        replays.append(record.sequence)
        return apply(state, record)

    return replace(BANK, apply=counted)


def test_opening_replays_what_no_snapshot_holds(address: str) -> None:
    with open_journal(address, IDENTITY) as journal:
        with Fold(journal, BANK, 20) as bank:
            for _ in range(45):
                bank.execute(("", "ann", 1))
        journal.append([Draft("add", canonical(["bob", 1]))])
        replays: list[int] = []
        with Fold(journal, counting(replays), 20) as bank:
            assert bank.state == {"ann": 45, "bob": 1}
        assert replays == [46]
        assert journal.snapshot("bank/1", 44) is not None


def test_snapshots_of_another_encoding_are_not_read(journal: Journal) -> None:
    with Fold(journal, BANK, 1) as bank:
        bank.execute(("", "ann", 1))
    replays: list[int] = []
    with Fold(journal, replace(counting(replays), name="bank/2"), 1) as bank:
        assert bank.state == {"ann": 1}
    assert replays == [1]


def test_processes_do_not_repeat_each_others_snapshots(address: str) -> None:
    dumps = []
    noting = replace(BANK, dump=lambda state: dumps.append(1) or canonical(state))
    one, other = open_journal(address, IDENTITY), open_journal(address)
    with one, other, Fold(one, noting, 10) as first, Fold(other, noting, 10) as second:
        for number in range(50):
            (first, second)[number % 2].execute(("", "ann", 1))
    assert 3 <= len(dumps) <= 6


def test_a_snapshot_that_cannot_be_kept_is_put_off(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(type(journal), "save_snapshot", refuse)
    with Fold(journal, BANK, 5) as bank:
        for _ in range(12):
            bank.execute(("", "ann", 1))
    assert verify(journal).sequence == 12
    assert 2 <= caplog.text.count("snapshot of bank/1 put off: the disk is full") <= 3


def test_damage_is_not_folded(address: str) -> None:
    with open_journal(address, IDENTITY) as journal:
        with Fold(journal, BANK) as bank:
            for _ in range(5):
                bank.execute(("", "ann", 1))
        with journal._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE records SET payload = link WHERE sequence = 3")
        with pytest.raises(BrokenError, match="record 3 does not hold"):
            Fold(journal, BANK)


def test_states_of_records_that_are_not_there(journal: Journal) -> None:
    with Fold(journal, BANK) as bank:
        bank.execute(("", "ann", 1))
        assert (bank.at(0), bank.at(1)) == ({}, {"ann": 1})
        for nowhere in (2, -1, 10**30):
            with pytest.raises(StoreError, match=f"there is no record {nowhere}"):
                bank.at(nowhere)


def test_a_journal_replaced_under_a_fold(address: str) -> None:
    """A copy of yesterday was put in its place: nothing may be decided on tomorrow's state."""
    with open_journal(address, IDENTITY) as journal, Fold(journal, BANK) as bank:
        bank.execute(("", "ann", 1))
        bank.execute(("", "ann", 1))
        with journal._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM records WHERE sequence = 2")
        with pytest.raises(StoreError, match="replaced by another"):
            bank.execute(("", "ann", 1))
        assert journal.head().sequence == 1
