"""Whose turn it is, and with which models: a round a competition and sync block, none starving."""

from __future__ import annotations

from collections.abc import Sequence

from iotapretrain.rules.competition.attempts import (
    Evaluation,
    Outcome,
    should_retry,
    worth_another_try,
)
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.validator.inspection_queue import admitted, refusals
from iotapretrain.rules.competition.validator.journal_records import Entry, RoundOpened
from iotapretrain.rules.competition.validator.misses import MOST_TRIES, is_ready, tries_at
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import Candidate, View, eligible

MOST_COMING = 25
"""Models that join a round; those that stay from the last, or that others pay, come on top."""
REWARDED_CADENCES = 2
"""Sync cadences after which a model that others pay is evaluated again: 300 blocks (10.5)."""


def turns(state: State, view: View, schedule: Schedule) -> list[Competition]:
    """Who may have a round now, beginning behind the competition whose turn was last."""
    active = schedule.running(view.block)
    last = next((at for at, each in enumerate(active) if each.id == state.turn), -1)
    order = [*active[last + 1 :], *active[: last + 1]]
    return [
        each
        for each in order
        if state.done.get(each.id, -1) < view.block
        and tries_at(state, each.id, view.block) < MOST_TRIES
    ]


def opening(
    state: State, view: View, schedule: Schedule, competition: Competition
) -> RoundOpened | None:
    """The round that a competition would have now; None if it has no model to score."""
    standing = eligible(view, schedule, competition.models)
    field = _field(state, view, competition, schedule.sync_cadence, standing)
    if not field:
        return None
    averaged = {each for averages in state.standings.competitions.values() for each in averages}
    return RoundOpened(
        round=state.rounds + 1,
        competition=competition.id,
        block=view.block,
        seed_hash=view.seed_hash,
        field=tuple(_entry(state, each) for each in field),
        refused=tuple(refusals(state, standing)),
        left=tuple(sorted(averaged - view.uids.keys())),
    )


def _field(
    state: State,
    view: View,
    competition: Competition,
    cadence: int,
    standing: Sequence[Candidate],
) -> list[Candidate]:
    staying: list[Candidate] = []
    coming: list[Candidate] = []
    kept = state.kept.get(competition.id, ())
    for candidate in standing:
        hotkey = candidate.hotkey
        if not admitted(state, candidate) or not is_ready(
            state, hotkey, competition.id, view.block, cadence
        ):
            continue
        history = state.history.of(hotkey, competition.id)
        paid = hotkey in view.rewarded
        due = not history or view.block - history[-1].block >= REWARDED_CADENCES * cadence
        if _has_a_chance(history) and (hotkey in kept or (paid and due)):
            staying.append(candidate)
        elif hotkey in state.missed and history and _has_a_chance(history):
            coming.append(candidate)  # a round went on without it, which had met the others
        elif should_retry(history, competition.rules.epsilon, view.block):
            coming.append(candidate)
    coming.sort(key=lambda candidate: (candidate.block, candidate.uid))
    return sorted([*staying, *coming[:MOST_COMING]], key=lambda candidate: candidate.uid)


def _has_a_chance(history: Sequence[Evaluation]) -> bool:
    """One that never had a score has only so many tries; one that had, as long as it is kept.

    What its bytes decided ends both.
    """
    outcomes = [attempt.outcome for attempt in history]
    if Outcome.EVALUATED in outcomes:
        outcomes = [outcome for outcome in outcomes if outcome is not Outcome.MODEL]
    return worth_another_try(outcomes)


def _entry(state: State, candidate: Candidate) -> Entry:
    digest = state.looks[candidate.hotkey].digests[0]
    text = candidate.commitment.text
    alone = candidate.hotkey in state.missed  # its last try ended without an answer
    return Entry(candidate.hotkey, candidate.uid, candidate.block, text, digest, alone)
