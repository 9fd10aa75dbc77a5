"""Who beats whom, how often, how surely, and one after the other (competition, 8.2 to 8.4 and 15).

Wins over pairs can form a cycle, since each model has its own epsilon; `succession` cannot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iotapretrain.rules.competition.eligibility import taking_part
from iotapretrain.rules.competition.epsilon import FloatArray, to_beat
from iotapretrain.rules.competition.field import Field, IntArray

PAGES_AT_ONCE = 256
"""Keeps the working set in a processor's cache, and memory small for any number of pages."""


def beats(
    loss: float,
    other: float,
    block: float,
    other_block: float,
    epsilon: float,
    other_epsilon: float,
) -> bool:
    """Whether the first model beats the other on one page, or by one score.

    The strictly earlier one has its loss multiplied by (1 - its own epsilon); then strict
    less-than. In one block there is no epsilon, and of equal losses neither wins.
    """
    if block < other_block:
        loss = to_beat(loss, epsilon)
    elif other_block < block:
        other = to_beat(other, other_epsilon)
    return loss < other


def count_wins(
    losses: FloatArray, blocks: FloatArray, epsilons: FloatArray, *, ties_to_earlier: bool = False
) -> IntArray:
    """W_i: each model's wins over all others, summed over the pages (eq. 3 to 5).

    `losses` is models x pages; scores are one page. With `ties_to_earlier` the earlier model also
    wins where adjusted losses are equal. Sorted by block, everybody before a model is earlier and
    everybody after it later, so each model needs two comparisons with whole slices.
    """
    order = np.argsort(blocks, kind="stable")
    begins = np.searchsorted(blocks[order], blocks[order], side="left")
    ends = np.searchsorted(blocks[order], blocks[order], side="right")
    places = list(zip(order.tolist(), begins.tolist(), ends.tolist(), strict=True))
    count = np.count_nonzero
    below = np.less_equal if ties_to_earlier else np.less
    wins = np.zeros(len(blocks), dtype=np.int64)
    for start in range(0, losses.shape[1], PAGES_AT_ONCE):
        plain = losses[order, start : start + PAGES_AT_ONCE]
        lowered = to_beat(plain, epsilons[order][:, np.newaxis])
        for row, (model, begin, end) in enumerate(places):
            mine = plain[row]
            wins[model] += count(below(lowered[row], plain[end:])) + count(mine < lowered[:begin])
            if end - begin > 1:  # others are in its block
                wins[model] += count(mine < plain[begin:end])
    return wins


def win_rates(wins: IntArray, pages: int, alone: float) -> FloatArray:
    """R_i = W_i / ((n - 1) pages); `alone` for a model that meets nobody, 0 without pages."""
    models = len(wins)
    if models == 1:
        return np.array([alone])
    return wins / max((models - 1) * pages, 1)


@dataclass(frozen=True)
class Margin:
    """The lead of a round's winner over the model `uid`, over the same pages.

    `ahead` is the mean over pages of the other's loss minus the winner's, the earlier one's lowered
    by its epsilon. `standard_error` is that of this paired mean, every page counting alike; None
    where one page leaves it unknown.
    """

    uid: int
    ahead: float
    standard_error: float | None

    @property
    def decided(self) -> bool:
        """Whether the lead exceeds its error; if not, other pages might name another winner."""
        return self.standard_error is not None and self.ahead > self.standard_error


def margins(
    field: Field, epsilons: FloatArray, winner: int, others: Iterable[int]
) -> tuple[Margin, ...]:
    """The winner's margin over each other row; none where the losses by page are not known."""
    losses = field.losses
    if losses is None or field.pages == 0 or not np.isfinite(losses[winner]).all():
        return ()
    finite = np.asarray(np.isfinite(losses).all(axis=1))
    rows = [other for other in others if other != winner and finite[other]]
    leads = _leads(field, losses, epsilons, winner, rows)
    ahead = leads.mean(axis=1).tolist()
    errors: list[float | None] = [None] * len(rows)
    if field.pages > 1:
        errors = (leads.std(axis=1, ddof=1) / math.sqrt(field.pages)).tolist()
    uids = field.uids[rows].tolist()
    return tuple(map(Margin, uids, ahead, errors))


def _leads(
    field: Field, losses: FloatArray, epsilons: FloatArray, winner: int, rows: list[int]
) -> FloatArray:
    """Page by page, what the winner's loss is below each other's; a line a row."""
    earlier = field.blocks[winner] < field.blocks[rows]
    later = field.blocks[rows] < field.blocks[winner]
    ours = to_beat(losses[winner], np.where(earlier, epsilons[winner], 0.0)[:, np.newaxis])
    theirs = to_beat(losses[rows], np.where(later, epsilons[rows], 0.0)[:, np.newaxis])
    return np.asarray(theirs - ours)


def succession(field: Field, epsilons: FloatArray) -> tuple[int, ...]:
    """Row numbers of the champions one after the other; the last holds the crown.

    Those who take part are walked by (block, order). The first is champion; a later one takes the
    crown iff it beats the champion of its time. Wins counted over pairs can be cyclic, since each
    model has its own epsilon; this cannot.
    """
    line: list[int] = []
    reasons = taking_part(field)
    for row in field.seniority:
        if reasons[row] is None and (not line or _beats(field, epsilons, row, line[-1])):
            line.append(int(row))
    return tuple(line)


def _beats(field: Field, epsilons: FloatArray, row: int, champion: int) -> bool:
    pair = [row, champion]
    return beats(*field.scores[pair], *field.blocks[pair], *epsilons[pair])
