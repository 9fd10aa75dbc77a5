"""From a command to the records that it makes: what is known already makes none.

Commands are repeated after a crash, since nobody knows which of them arrived; a repetition changes
nothing, and what no longer fits is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.validator import journal_records as records
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import View


@dataclass(frozen=True)
class Sync:
    """The subnet was read at a sync block."""

    view: View


Command = (
    Sync
    | records.Begun
    | records.Looked
    | records.RoundOpened
    | records.RoundClosed
    | records.RoundGivenUp
    | records.RoundPublished
)


def decide(state: State, command: Command) -> list[records.Record]:
    """The records of a command; InputError if it does not fit the state."""
    match command:
        case records.Begun(version, salt):  # the salt counts only the first time
            known = state.version == version
            return [] if known else [records.Begun(version, state.salt if state.version else salt)]
        case Sync(view):
            return list(_synced(state, view))
        case records.Looked():
            return _looked(state, command)
        case records.RoundOpened():
            return _opened(state, command)
        case records.RoundClosed():
            return _closed(state, command)
        case records.RoundGivenUp(round=number):
            opened = state.opened
            return [command] if opened is not None and opened.round == number else []
        case records.RoundPublished(number):
            return [command] if number in state.unpublished else []


def _synced(state: State, view: View) -> Iterator[records.Record]:
    if state.opened is not None:
        raise InputError(f"round {state.opened.round} is open; finish it before looking around")
    here = {candidate.hotkey for candidate in view.candidates}
    gone = tuple(sorted(state.history.commitments.keys() - here))
    if gone:
        yield records.Left(gone)
    for each in view.candidates:
        if state.history.commitments.get(each.hotkey) != (each.block, each.commitment.text):
            yield records.Committed(each.hotkey, each.block, each.commitment.text)


def _looked(state: State, look: records.Looked) -> list[records.Record]:
    if state.history.commitments.get(look.hotkey) != (look.block, look.text):
        raise InputError(f"look: {look.hotkey} has committed to something else; look at that")
    before = state.looks.get(look.hotkey)
    known = before is not None and (before.admitted or before.at >= look.at)
    return [] if known else [look]


def _opened(state: State, opened: records.RoundOpened) -> list[records.Record]:
    if state.opened == opened:
        return []
    if state.opened is not None:
        raise InputError(f"round {state.opened.round} is open; finish it before the next")
    if opened.round != state.rounds + 1 or not opened.field:
        raise InputError(f"round {opened.round} of {len(opened.field)} models cannot be the next")
    if state.done.get(opened.competition, -1) >= opened.block:
        raise InputError(
            f"competition {opened.competition} had its round of block {opened.block};"
            " wait for the next sync block"
        )
    return [opened]


def _closed(state: State, closed: records.RoundClosed) -> list[records.Record]:
    if state.opened is not None and state.opened.round == closed.round:
        return [closed]
    if closed.round <= state.rounds:
        return []
    raise InputError(f"round {closed.round} is not open; open it first")
