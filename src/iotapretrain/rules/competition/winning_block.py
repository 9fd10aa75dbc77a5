"""When a model would win: the blocks at which decaying epsilons let it (competition, 8.1 and 8.2).

Everything here follows from `beats` and `play`, evaluated at the blocks where their answers can
change; nothing is solved with other roundings than theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Epsilon, LinearDecay, Table, to_beat
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import Comparison, NoResult, RoundRules, play
from iotapretrain.rules.competition.wins import beats


@dataclass(frozen=True)
class DatedLoss:
    """A model as a comparison sees it: its loss, and the block of its commitment."""

    loss: float
    block: int


def needed_loss(epsilon: Epsilon, champion: DatedLoss, now: float) -> float:
    """What a later model's loss must be strictly below to beat the champion at block `now`, which
    may be infinite: once epsilon has fully decayed.
    """
    return to_beat(champion.loss, float(epsilon.at(now - champion.block)))


def wins_at(epsilon: Epsilon, model: DatedLoss, other: DatedLoss, now: int) -> bool:
    own, others = (float(epsilon.at(now - entry.block)) for entry in (model, other))
    return beats(model.loss, other.loss, model.block, other.block, own, others)


def first_winning_block(
    epsilon: Epsilon, model: DatedLoss, other: DatedLoss, start: int
) -> int | None:
    """The first block from `start` on at which the model beats the other; None if there is none."""
    if wins_at(epsilon, model, other, start):
        return start
    since = min(model.block, other.block)
    if isinstance(epsilon, Table):
        steps = (since + age for age, _ in epsilon.steps)
        later = (block for block in steps if block > start)
        return next((block for block in later if wins_at(epsilon, model, other, block)), None)
    if not isinstance(epsilon, LinearDecay):
        return None
    losing, winning = start, since + epsilon.decay_blocks
    if winning <= start or not wins_at(epsilon, model, other, winning):
        return None
    while winning - losing > 1:
        middle = (losing + winning) // 2
        if wins_at(epsilon, model, other, middle):
            winning = middle
        else:
            losing = middle
    return winning


def first_crowned_block(field: Field, rules: RoundRules, uid: int, start: int) -> int | None:
    """The first block from `start` on at which the model has the largest weight of the field.

    A round's outcome can only change where some comparison of two models does, and as epsilons
    decay that is where the later one begins to win.
    """
    if uid not in field.uids:
        raise InputError(f"uid {uid}: not in the field; give one of {field.uids.tolist()}")
    for block in sorted({start, *_changes(field, rules, start)}):
        outcome = play(field, rules, block)
        if not isinstance(outcome, NoResult) and outcome.winner == uid:
            return block
    return None


def _changes(field: Field, rules: RoundRules, start: int) -> Iterator[int]:
    """Every block after `start` at which a later model begins to beat an earlier one."""
    by_page = rules.mode.comparison is Comparison.PER_PAGE and field.losses is not None
    columns = field.losses if by_page else field.scores[:, np.newaxis]
    if columns is None:
        return
    dated = np.flatnonzero(np.isfinite(field.blocks))
    for earlier in dated:
        for later in dated[field.blocks[dated] > field.blocks[earlier]]:
            for column in range(columns.shape[1]):
                old, new = (
                    DatedLoss(float(columns[row, column]), int(field.blocks[row]))
                    for row in (earlier, later)
                )
                block = first_winning_block(rules.epsilon, new, old, start)
                if block is not None:
                    yield block
