"""From a record to the next state. Nothing is weighed here, so that old journals read as ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from iotapretrain.rules.competition.attempts import Evaluation, History, Outcome
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.validator import journal_records as records
from iotapretrain.rules.competition.validator.state import Look, Origin, State, Tally

Key = TypeVar("Key")
Value = TypeVar("Value")


def apply(state: State, record: records.Record) -> State:
    match record:
        case records.Begun(version, salt):
            anew = History(state.history.commitments)
            return replace(state, version=version, salt=salt, history=anew, looks={})
        case records.Committed(hotkey, block, text):
            history = state.history.committed(hotkey, block, text)
            looks, missed = _without(state.looks, {hotkey}), _without(state.missed, {hotkey})
            return replace(state, history=history, looks=looks, missed=missed)
        case records.Left(hotkeys):
            return _left(state, hotkeys)
        case records.Looked():
            return _looked(state, record)
        case records.RoundOpened():
            return replace(state, opened=record)
        case records.RoundClosed():
            return _closed(state, record)
        case records.RoundGivenUp():
            return _given_up(state, record)
        case records.RoundPublished(number):
            return replace(state, unpublished=_without(state.unpublished, {number}))


def _left(state: State, hotkeys: Collection[str]) -> State:
    staying = [hotkey for hotkey in state.history.commitments if hotkey not in hotkeys]
    return replace(
        state,
        history=state.history.only(staying),
        looks=_without(state.looks, hotkeys),
        missed=_without(state.missed, hotkeys),
    )


def _looked(state: State, record: records.Looked) -> State:
    before = state.looks.get(record.hotkey)
    failures = () if before is None else before.failures
    if record.outcome is not Outcome.EVALUATED:
        failures = (*failures, record.outcome)
    look = Look(record.at, record.outcome, record.reasons, record.digests, failures)
    return replace(
        state,
        looks={**state.looks, record.hotkey: look},
        origins=_with_origins(state.origins, record),
        alike=_with_alike(state.alike, record),
    )


def _with_origins(origins: Mapping[str, Origin], record: records.Looked) -> Mapping[str, Origin]:
    """The earliest commitment to a content counts, in whatever order they are looked at."""
    mine = Origin(record.block, record.hotkey)
    earlier = {digest: mine for digest in record.digests if mine < origins.get(digest, _NOBODY_YET)}
    return {**origins, **earlier} if earlier else origins


_NOBODY_YET = Origin(2**63, "")


def _with_alike(
    alike: Mapping[str, tuple[str, ...]], record: records.Looked
) -> Mapping[str, tuple[str, ...]]:
    if not record.alike or not record.digests:
        return alike
    digest, changed = record.digests[0], dict(alike)
    for other in record.alike:
        for one, two in ((digest, other), (other, digest)):
            known = changed.get(one, ())
            changed[one] = known if two in known else (*known, two)
    return changed


def _closed(state: State, record: records.RoundClosed) -> State:
    opened = state.opened
    if opened is None:
        return state
    return replace(
        state,
        history=_tried(state.history, opened, record.attempts, record.champion),
        missed=_missed(state.missed, opened.block, record.attempts),
        standings=Standings(record.averages),
        kept={**state.kept, opened.competition: record.kept},
        done={**state.done, opened.competition: opened.block},
        tries=_without(state.tries, {opened.competition}),
        turn=opened.competition,
        opened=None,
        rounds=record.round,
        previous=record.digest,
        weights=record.weights,
        unpublished={**state.unpublished, record.round: record.place},
    )


def _tried(
    history: History,
    opened: records.RoundOpened,
    attempts: Iterable[records.Attempt],
    champion: str | None,
) -> History:
    """Every attempt, beside the block and score of who led; without a leader all have failed."""
    blocks = {entry.hotkey: entry.block for entry in opened.field}
    scores = {attempt.hotkey: attempt.score for attempt in attempts}
    best = None if champion is None else scores[champion]
    for attempt in attempts:
        if attempt.score is not None and champion is not None and best is not None:
            tried = Evaluation.scored(opened.block, attempt.score, blocks[champion], best)
        else:
            scored = attempt.outcome is Outcome.EVALUATED
            tried = Evaluation.failed(opened.block, Outcome.MODEL if scored else attempt.outcome)
        history = history.tried(attempt.hotkey, opened.competition, tried)
    return history


def _missed(
    before: Mapping[str, Tally], block: int, attempts: Iterable[records.Attempt]
) -> Mapping[str, Tally]:
    """Our own failures leave no trace in the history; they are counted so that they get rarer."""
    after = dict(before)
    for attempt in attempts:
        count = after.pop(attempt.hotkey, Tally(block, 0)).count
        if attempt.outcome is Outcome.INFRASTRUCTURE:
            after[attempt.hotkey] = Tally(block, count + 1)
    return after


def _given_up(state: State, record: records.RoundGivenUp) -> State:
    """The same round may be tried again, but the turn is the next competition's."""
    opened = state.opened
    if opened is None:
        return state
    if record.held:
        return replace(state, turn=opened.competition, opened=None)
    before = state.tries.get(opened.competition)
    count = before.count if before is not None and before.block == opened.block else 0
    tries = {**state.tries, opened.competition: Tally(opened.block, count + 1)}
    unscored = [records.Attempt(hotkey, Outcome.INFRASTRUCTURE) for hotkey in record.missed]
    return replace(
        state,
        missed=_missed(state.missed, opened.block, unscored),
        tries=tries,
        turn=opened.competition,
        opened=None,
    )


def _without(mapping: Mapping[Key, Value], keys: Collection[Key]) -> Mapping[Key, Value]:
    return {key: value for key, value in mapping.items() if key not in keys}
