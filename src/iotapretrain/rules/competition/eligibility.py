"""Which models of a round may win it: the filter against copies and spoilers (competition, 8.5).

Two filters stand beside each other. The original keeps a model that is strictly better, after full
decay, than every other of an earlier or equal block; the strict one first removes what a loss
cannot be and what is somebody else's work, and of one block keeps the best instead of none.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np

from iotapretrain.rules.competition.epsilon import to_beat
from iotapretrain.rules.competition.field import Field


class Filter(StrEnum):
    """Named by their configuration values."""

    NONE = "none"
    ORIGINAL = "original"
    STRICT = "strict"


class Ineligibility(StrEnum):
    """Why a model is left out of the comparison."""

    NO_SCORE = "not evaluated, or no finite loss"
    NEGATIVE = "a negative loss, which cannot be"
    COPY = "the content of a model committed earlier"
    SECOND_OF_BLOCK = "not the best of its block"
    NEVER_BETTER = "not better than an earlier model even when epsilon has fully decayed"
    NEVER_CHAMPION = "not better, by epsilon, than the champion it met"


Verdicts = tuple[Ineligibility | None, ...]
"""One entry a model; None is kept."""


def verdicts(field: Field, rule: Filter, floor: float) -> Verdicts:
    """What the filter says of each model; `floor` is the fully decayed epsilon."""
    if rule is Filter.STRICT:
        return strict(field, floor)
    if rule is Filter.ORIGINAL:
        return original(field, floor)
    return (None,) * len(field)


def original(field: Field, floor: float) -> Verdicts:
    """Keep i iff score_i < (1 - floor) score_j for every other j with an earlier or equal block.

    The earliest model is kept whatever its score, infinite and NaN included, and a NaN in an
    earlier model removes all later ones: defects that the strict filter does not have.
    """
    rivals = field.blocks[np.newaxis, :] <= field.blocks[:, np.newaxis]
    np.fill_diagonal(rivals, False)
    better = field.scores[:, np.newaxis] < to_beat(field.scores, floor)
    reasons: list[Ineligibility | None] = [None] * len(field)
    for row in np.flatnonzero(np.any(rivals & ~better, axis=1)):
        reasons[row] = Ineligibility.NEVER_BETTER
    return tuple(reasons)


def strict(field: Field, floor: float) -> Verdicts:
    """Keep the best of each block iff below (1 - floor) score_j of every j of an earlier block."""
    reasons = list(taking_part(field))
    blocks, scores = field.blocks.tolist(), field.scores.tolist()
    bar, block = math.inf, None
    for row in np.lexsort((field.uids, field.orders, field.scores, field.blocks)).tolist():
        if reasons[row] is not None:
            continue
        if blocks[row] == block:
            reasons[row] = Ineligibility.SECOND_OF_BLOCK
            continue
        block, score = blocks[row], scores[row]
        if not score < bar:
            reasons[row] = Ineligibility.NEVER_BETTER
        bar = min(bar, to_beat(score, floor))
    return tuple(reasons)


def taking_part(field: Field) -> Verdicts:
    """None for finite losses of 0 or more, from the earliest model of each digest.

    The earliest owns its content even if its own evaluation failed: a copy must not gain from that.
    """
    columns = [field.scores[:, np.newaxis]] + ([] if field.losses is None else [field.losses])
    finite = np.all([np.isfinite(column).all(axis=1) for column in columns], axis=0).tolist()
    negative = np.any([(column < 0).any(axis=1) for column in columns], axis=0).tolist()
    owners: dict[str, int] = {}
    reasons: list[Ineligibility | None] = [None] * len(field)
    for row in field.seniority.tolist():
        digest = field.digests[row]
        if not finite[row]:
            reasons[row] = Ineligibility.NO_SCORE
        elif negative[row]:
            reasons[row] = Ineligibility.NEGATIVE
        if digest is not None and owners.setdefault(digest, row) != row:
            reasons[row] = reasons[row] or Ineligibility.COPY
    return tuple(reasons)
