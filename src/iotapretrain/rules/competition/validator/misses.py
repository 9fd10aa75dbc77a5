"""What follows when a model could not be scored here, whosever doing that was.

A validator cannot tell a short machine from a model that makes it short. So the model is tried
alone next, it may hold up its competition for a few tries, and then the round goes on without it:
its average decays by the rounds that it is not in, and it is tried again ever more rarely.
"""

from __future__ import annotations

from collections.abc import Iterable

from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.inspection_queue import rested
from iotapretrain.rules.competition.validator.journal_records import Attempt, RoundOpened
from iotapretrain.rules.competition.validator.state import State, Tally

MOST_TRIES = 3
"""Rounds of one competition and sync block that may fail for reasons that are not the models'."""
MOST_HOLDS = MOST_TRIES - 1
"""Tries that one model may hold up, or all of them at one sync block: the last goes on, so that
every sync block has its round. Two, since the second is already made with the model alone."""
LEAST_AVERAGE = 1 / 65_535
"""The chain keeps 16 bits of a weight; a place below that is nobody's."""


def holder(state: State, opened: RoundOpened, attempts: Iterable[Attempt]) -> str | None:
    """Who has a place, could not be scored, and may hold up the round for that; None if nobody."""
    if tries_at(state, opened.competition, opened.block) >= MOST_HOLDS:
        return None
    averages = state.standings.competitions.get(opened.competition, {})
    return min(
        (
            each.hotkey
            for each in attempts
            if each.outcome is Outcome.INFRASTRUCTURE
            and averages.get(each.hotkey, 0.0) >= LEAST_AVERAGE
            and state.missed.get(each.hotkey, Tally(0, 0)).count < MOST_HOLDS
        ),
        default=None,
    )


def missed_by(attempts: Iterable[Attempt]) -> tuple[str, ...]:
    """Who could not be scored while others could; when nobody could, it says nothing of anyone."""
    tried = list(attempts)
    unscored = [each.hotkey for each in tried if each.outcome is Outcome.INFRASTRUCTURE]
    return tuple(sorted(unscored)) if len(unscored) < len(tried) else ()


def tries_at(state: State, competition: int, block: int) -> int:
    """Rounds of a competition that were given up at a sync block."""
    tried = state.tries.get(competition, Tally(block, 0))
    return tried.count if tried.block == block else 0


def is_ready(state: State, hotkey: str, competition: int, block: int, cadence: int) -> bool:
    """Whoever we could not score comes again, ever more rarely; one with a place once it has been
    gone without.
    """
    missed = state.missed.get(hotkey, Tally(block, 0))
    averages = state.standings.competitions.get(competition, {})
    free = MOST_HOLDS if averages.get(hotkey, 0.0) >= LEAST_AVERAGE else 0
    counted = missed.count - free
    return counted <= 0 or rested(block, missed.block, counted, cadence)
