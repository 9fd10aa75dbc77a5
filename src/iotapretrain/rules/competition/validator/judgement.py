"""From the scores of an open round to what follows: weights, standings, and who meets again."""

from __future__ import annotations

from collections.abc import Sequence

from iotapretrain.rules.competition.attempts import Outcome, worth_another_try
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.retention import ESTABLISHED, retained
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.tournament import DecidedRound, Placed, play
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    RoundClosed,
    RoundOpened,
)
from iotapretrain.rules.competition.validator.misses import holder
from iotapretrain.rules.competition.validator.state import State


def does_not_count(state: State, opened: RoundOpened, attempts: Sequence[Attempt]) -> str | None:
    """Why a round must be tried again, if it must: what we failed at must cost nobody his place.

    A newcomer that we could not score simply waits; one that has a place holds up the round for a
    few tries (`misses`), and waits then.
    """
    if all(each.outcome is Outcome.INFRASTRUCTURE for each in attempts):
        return "no model could be scored here"
    held = holder(state, opened, attempts)
    return None if held is None else f"{held} has a place and could not be scored here"


def judge(
    state: State,
    opened: RoundOpened,
    schedule: Schedule,
    competition: Competition,
    field: Field,
    attempts: Sequence[Attempt],
) -> tuple[RoundClosed, tuple[Placed, ...]]:
    """What ends the round, its digest still to come, and a `Placed` an entry of its field.

    `field` and `attempts` are in the order of the round's field. A round without result has no
    champion, and leaves every average as it is.
    """
    result = play(field, competition.rules, opened.block)
    hotkeys = [entry.hotkey for entry in opened.field]
    places = tuple(result.places.get(int(uid), Placed()) for uid in field.uids)
    champion = None
    standings = state.standings
    if isinstance(result, DecidedRound):
        champion = hotkeys[field.uids.tolist().index(result.winner)]
        step = {hotkey: place.weight for hotkey, place in zip(hotkeys, places, strict=True)}
        standings = standings.record(opened.competition, step, competition.alpha)
    standings = _surviving(standings, schedule, opened)
    closed = RoundClosed(
        round=opened.round,
        digest="",
        attempts=tuple(attempts),
        champion=champion,
        kept=_kept(state, opened, standings, places, attempts),
        averages=standings.competitions,
        weights=standings.merge(schedule.shares(opened.block)),
    )
    return closed, places


def competition_of(schedule: Schedule, opened: RoundOpened) -> Competition | None:
    """The competition of a round, as it stood at the round's block; None if the file lost it."""
    running = schedule.running(opened.block)
    return next((each for each in running if each.id == opened.competition), None)


def _surviving(standings: Standings, schedule: Schedule, opened: RoundOpened) -> Standings:
    """Without competitions that have ended and hotkeys that have gone."""
    standings = standings.keep([each.id for each in schedule.running(opened.block)])
    everybody = {hotkey for each in standings.competitions.values() for hotkey in each}
    return standings.retain(everybody.difference(opened.left))


def _kept(
    state: State,
    opened: RoundOpened,
    standings: Standings,
    places: Sequence[Placed],
    attempts: Sequence[Attempt],
) -> tuple[str, ...]:
    """The best of those with a score; and whoever is established and failed for the first time."""
    averages = standings.competitions.get(opened.competition, {})
    by_uid = {entry.uid: entry.hotkey for entry in opened.field}
    rows = list(zip(opened.field, places, attempts, strict=True))
    best = retained(
        {entry.uid: each.score for entry, _, each in rows if each.score is not None},
        {
            entry.uid: place.win_rate
            for entry, place, each in rows
            if place.left_out is None and each.score is not None
        },
        {uid: averages.get(hotkey, 0.0) for uid, hotkey in by_uid.items()},
    )
    excused = [
        entry.uid
        for entry, _, each in rows
        if each.score is None
        and averages.get(entry.hotkey, 0.0) >= ESTABLISHED
        and _may_come_again(state, opened, each)
    ]
    return tuple(by_uid[uid] for uid in sorted({*best, *excused}))


def _may_come_again(state: State, opened: RoundOpened, failed: Attempt) -> bool:
    history = state.history.of(failed.hotkey, opened.competition)
    return worth_another_try([*(attempt.outcome for attempt in history), failed.outcome])
