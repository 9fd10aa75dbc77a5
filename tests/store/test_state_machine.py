"""Any sequence of appends, conflicts, crashes and reopenings, compared with a list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from iotapretrain.errors import ConflictError
from iotapretrain.store.journal import Journal, verified, verify
from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft, Head, Record, Snapshot, chained, first_head
from tests.store.conftest import IDENTITY
from tests.store.processes import Child, die_writing

DRAFTS = st.lists(
    st.builds(
        Draft, st.sampled_from(["a", "b"]), st.binary(max_size=9), st.sampled_from(["", "x"])
    ),
    max_size=4,
)
HANDLE = st.integers(0, 1)
PLACE = st.integers(0, 30)


class Lifetime(RuleBasedStateMachine):
    """Two handles on one journal, and the list that it must equal."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.journals: list[Journal] = [open_journal(address, IDENTITY) for _ in range(2)]
        self.model: list[Record] = []
        self.states: dict[int, bytes] = {}

    def head(self) -> Head:
        return self.model[-1].head if self.model else first_head(IDENTITY)

    @rule(handle=HANDLE, drafts=DRAFTS)
    def append(self, handle: int, drafts: list[Draft]) -> None:
        new = self.journals[handle].append(drafts)
        assert new == chained(self.head(), drafts)
        self.model += new

    @rule(handle=HANDLE, drafts=DRAFTS, behind=st.integers(-3, 3))
    def append_expecting(self, handle: int, drafts: list[Draft], behind: int) -> None:
        expected = len(self.model) + behind
        if behind:
            with pytest.raises(ConflictError):
                self.journals[handle].append(drafts, expected)
        else:
            self.model += self.journals[handle].append(drafts, expected)

    @rule(handle=HANDLE, groups=st.lists(DRAFTS, max_size=3), fails=st.booleans())
    def write(self, handle: int, groups: list[list[Draft]], fails: bool) -> None:
        written = list(self.model)
        try:
            with self.journals[handle].writing() as writer:
                assert writer.head == self.head()
                for drafts in groups:
                    written += writer.append(drafts)
                    assert writer.head.sequence == len(written)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return
        self.model = written

    @rule(stored=st.integers(0, 3), lost=st.integers(0, 3))
    def another_process_is_killed(self, stored: int, lost: int) -> None:
        child = Child(die_writing, self.address, stored, lost)
        assert child.received() == list(range(stored))
        assert child.end() == -9
        drafts = [Draft("stored", b"%d" % number) for number in range(stored)]
        self.model += chained(self.head(), drafts)

    @rule(handle=HANDLE, closing=st.booleans())
    def reopen(self, handle: int, closing: bool) -> None:
        """In order, or while the old handle still lies about."""
        old = self.journals[handle]
        if closing:
            old.close()
        self.journals[handle] = open_journal(self.address)
        old.close()

    @rule(handle=HANDLE, after=PLACE, limit=st.none() | PLACE)
    def read(self, handle: int, after: int, limit: int | None) -> None:
        expected = self.model[after:] if limit is None else self.model[after : after + limit]
        assert list(self.journals[handle].read(after, limit)) == expected

    @precondition(lambda self: self.model)
    @rule(handle=HANDLE, state=st.binary(max_size=9), data=st.data())
    def save_snapshot(self, handle: int, state: bytes, data: st.DataObject) -> None:
        at = data.draw(st.sampled_from(self.model))
        self.journals[handle].save_snapshot("state", Snapshot(at.head, state))
        self.states = dict(sorted({**self.states, at.sequence: state}.items())[-4:])

    @rule(handle=HANDLE, at=PLACE)
    def read_snapshot(self, handle: int, at: int) -> None:
        found = self.journals[handle].snapshot("state", at)
        kept = [sequence for sequence in self.states if sequence <= at]
        assert (found is None) == (not kept)
        if found is not None:
            assert (found.head.sequence, found.state) == (kept[-1], self.states[kept[-1]])

    @invariant()
    def both_handles_see_the_list(self) -> None:
        for journal in self.journals:
            assert journal.head() == self.head()

    def teardown(self) -> None:
        assert list(verified(self.journals[0])) == self.model
        assert verify(self.journals[1]) == self.head()
        for journal in self.journals:
            journal.close()


def test_a_journal_is_a_list(new_address: Callable[[], str]) -> None:
    run_state_machine_as_test(
        lambda: Lifetime(new_address()),
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
