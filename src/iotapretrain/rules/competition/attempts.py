"""Which models are fetched, and which evaluated again (competition, 2 to 4, 10.3 to 10.5, 15)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Epsilon, to_beat

NEWEST = 3
OWN_FAILURES = 2


class Action(StrEnum):
    """What to do with a hotkey's commitment now."""

    MISCONFIGURED = "misconfigured"
    """There is none, or its competition was not scheduled then or is not now."""
    TOO_EARLY = "too_early"
    """Young enough that its owner might have known the pages of the round."""
    UNCHANGED = "unchanged"
    FETCH = "fetch"


@dataclass(frozen=True)
class Sighting:
    """A commitment as it stands on the chain, and what is known about it here."""

    age: int
    """Blocks since it was made."""
    delay: int
    """Blocks that its competition waits before looking."""
    scheduled_then: bool
    scheduled_now: bool
    tracked: bool
    """It is the one that was fetched last."""
    forced: bool = False
    """Fetch it again without change."""


def action(seen: Sighting | None) -> Action:
    """The first that applies, in the order of `Action`; None is a hotkey without commitment."""
    if seen is None or not (seen.scheduled_then and seen.scheduled_now):
        return Action.MISCONFIGURED
    if seen.age < seen.delay:
        return Action.TOO_EARLY
    if seen.tracked and not seen.forced:
        return Action.UNCHANGED
    return Action.FETCH


class Outcome(StrEnum):
    """How one attempt at a model ended."""

    EVALUATED = "evaluated"
    INFRASTRUCTURE = "infrastructure"
    """Ours: hub or chain unreachable, dataset, disk, a machine too slow. Never the model's."""
    MODEL = "model"
    """The model's own: a crash, or over a time limit that this machine keeps on others."""
    BAD_HASH = "bad_hash"
    INADMISSIBLE = "inadmissible"


_OF_PINNED_BYTES = frozenset({Outcome.BAD_HASH, Outcome.INADMISSIBLE})


def worth_another_try(outcomes: Iterable[Outcome]) -> bool:
    """Whether failures leave a chance, until a new commitment.

    What the pinned bytes decide is final at once; of the model's other failures two are; of the
    infrastructure's none.
    """
    seen = list(outcomes)
    return _OF_PINNED_BYTES.isdisjoint(seen) and seen.count(Outcome.MODEL) < OWN_FAILURES


@dataclass(frozen=True)
class Evaluation:
    """One attempt at one model: when, how it went, and the block and score of who led then."""

    block: int
    score: float
    winner_block: int
    winner_score: float
    outcome: Outcome = Outcome.EVALUATED

    def __post_init__(self) -> None:
        if self.outcome is Outcome.EVALUATED and not math.isfinite(self.score):
            raise InputError(f"evaluation: score {self.score} is a failure; say whose")

    @classmethod
    def failed(cls, block: int, outcome: Outcome) -> Evaluation:
        """An attempt that ended without a score."""
        return cls(block, math.inf, block, math.inf, outcome)

    @classmethod
    def scored(cls, block: int, score: float, winner_block: int, winner_score: float) -> Evaluation:
        """An attempt that ended with a score; one that is not finite is the model's failure."""
        if not math.isfinite(score):
            return cls.failed(block, Outcome.MODEL)
        return cls(block, score, winner_block, winner_score)


def should_retry(history: Sequence[Evaluation], epsilon: Epsilon, current_block: int) -> bool:
    """Whether to evaluate again, from the attempts so far, oldest first.

    A model that once had a score: only if it was no worse than the winner and would by now be below
    (1 - epsilon) winner_score. One that never had: while `worth_another_try`.
    """
    if not _OF_PINNED_BYTES.isdisjoint(attempt.outcome for attempt in history):
        return False
    scored = [attempt for attempt in history if attempt.outcome is Outcome.EVALUATED]
    if not scored:
        return worth_another_try(attempt.outcome for attempt in history)
    last = scored[-1]
    if last.score > last.winner_score:
        return False
    advantage = float(epsilon.at(current_block - last.winner_block))
    return last.score < to_beat(last.winner_score, advantage)


@dataclass(frozen=True)
class History:
    """What a validator remembers of every hotkey: its commitment, and its newest attempts.

    A value: every change gives a new one. Attempts are filed under the competition that the
    commitment names, failures of fetching too.
    """

    commitments: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    attempts: Mapping[tuple[str, int], tuple[Evaluation, ...]] = field(default_factory=dict)

    def of(self, hotkey: str, competition: int) -> tuple[Evaluation, ...]:
        """The attempts in one competition, oldest first."""
        return self.attempts.get((hotkey, competition), ())

    def last_block(self, hotkey: str) -> int | None:
        blocks = [tried[-1].block for (owner, _), tried in self.attempts.items() if owner == hotkey]
        return max(blocks, default=None)

    def committed(self, hotkey: str, block: int, commitment: str) -> History:
        """A commitment was read. One that differs from the last, also in its block, starts anew."""
        if self.commitments.get(hotkey) == (block, commitment):
            return self
        kept = {key: tried for key, tried in self.attempts.items() if key[0] != hotkey}
        return History({**self.commitments, hotkey: (block, commitment)}, kept)

    def tried(self, hotkey: str, competition: int, attempt: Evaluation) -> History:
        """An attempt ended. The infrastructure's failures leave no trace: they push nothing out."""
        if attempt.outcome is Outcome.INFRASTRUCTURE:
            return self
        ordered = sorted((*self.of(hotkey, competition), attempt), key=lambda each: each.block)
        newest = tuple(ordered[-NEWEST:])
        return replace(self, attempts={**self.attempts, (hotkey, competition): newest})

    def only(self, hotkeys: Collection[str]) -> History:
        """Forget everybody else."""
        return History(
            {hotkey: seen for hotkey, seen in self.commitments.items() if hotkey in hotkeys},
            {key: tried for key, tried in self.attempts.items() if key[0] in hotkeys},
        )

    def without(self, competition: int) -> History:
        kept = {key: tried for key, tried in self.attempts.items() if key[1] != competition}
        return replace(self, attempts=kept)
