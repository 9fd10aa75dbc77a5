"""What validators would say of a model now, and from which block on they would pay for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.competition.records.committed import CommittedModel
from iotapretrain.competition.records.round_record import ModelRecord
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.eligibility import Ineligibility
from iotapretrain.rules.competition.epsilon import Epsilon, LinearDecay, Table
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.tournament import NoResult, play
from iotapretrain.rules.competition.winning_block import DatedLoss, first_crowned_block, needed_loss
from iotapretrain.rules.competition.wins import margins

OWN = 0
"""The model's row in the field that it is put into."""


@dataclass(frozen=True)
class Duel:
    """The champion, and how far the model's loss is below its own on the same pages."""

    champion: CommittedModel
    loss: float
    ahead: float
    standard_error: float | None
    epsilon_now: float
    epsilon_floor: float
    decayed_from: int | None
    """The block from which on epsilon no longer falls; None if it never did."""
    needed_now: float
    needed_ever: float


@dataclass(frozen=True)
class Outlook:
    """Where the model would stand in the present field, were the pages always those of now.

    `wins_from` is the first block, from `block` on, at which it would have the largest weight; None
    is never. `judged_from` is when validators first look at it, committed in the next block.
    """

    block: int
    loss: float
    field_size: int
    wins: int
    win_rate: float
    weight: float
    left_out: Ineligibility | None
    wins_now: bool
    wins_from: int | None
    judged_from: int


def duel(competition: Competition, champion: CommittedModel, field: Field, now: int) -> Duel:
    """`field` holds the model and the champion, both scored on the same pages."""
    margin = next(iter(margins(field, np.zeros(2), 0, [1])))
    epsilon, entry = competition.rules.epsilon, DatedLoss(float(field.scores[1]), champion.block)
    return Duel(
        champion=champion,
        loss=entry.loss,
        ahead=margin.ahead,
        standard_error=margin.standard_error,
        epsilon_now=float(epsilon.at(now - champion.block)),
        epsilon_floor=epsilon.floor,
        decayed_from=_decayed_from(epsilon, champion.block),
        needed_now=needed_loss(epsilon, entry, now),
        needed_ever=needed_loss(epsilon, entry, math.inf),
    )


def prospect(
    competition: Competition,
    rivals: Sequence[DatedLoss],
    loss: float,
    now: int,
    own: CommittedModel | None,
) -> Outlook:
    """`own` is the model's commitment if it has one; else it is taken to come in the next block."""
    mine = DatedLoss(loss, now + 1 if own is None else own.block)
    field = Field.of(
        range(len(rivals) + 1),
        [each.block for each in (mine, *rivals)],
        scores=[each.loss for each in (mine, *rivals)],
    )
    outcome = play(field, competition.rules, now)
    if isinstance(outcome, NoResult):
        raise InputError(f"loss {loss}: no loss of a model; give a finite number of 0 or more")
    return Outlook(
        block=now,
        loss=loss,
        field_size=len(field),
        wins=int(outcome.wins[OWN]),
        win_rate=float(outcome.win_rates[OWN]),
        weight=float(outcome.weights[OWN]),
        left_out=outcome.left_out[OWN],
        wins_now=outcome.winner == OWN,
        wins_from=first_crowned_block(field, competition.rules, OWN, now),
        judged_from=mine.block + competition.eval_block_delay,
    )


def rivals_of(
    told: Sequence[ModelRecord], champion: CommittedModel, loss: float, own: CommittedModel | None
) -> list[DatedLoss]:
    """The champion, which loses so much on the pages of now, and everybody else that a round
    scored, but the model itself.

    The others' losses are those of their record, times the champion's loss now over its loss then,
    as their pages were others.
    """
    mine = None if own is None else own.hotkey
    rivals = [DatedLoss(loss, champion.block)] if champion.hotkey != mine else []
    then = next((each.score for each in told if each.hotkey == champion.hotkey), None)
    return rivals + [
        DatedLoss(each.score * loss / then, each.block)
        for each in told
        if then and each.score is not None and each.hotkey not in (champion.hotkey, mine)
    ]


def _decayed_from(epsilon: Epsilon, block: int) -> int | None:
    if isinstance(epsilon, LinearDecay):
        return block + epsilon.decay_blocks
    if isinstance(epsilon, Table) and len(epsilon.steps) > 1:
        return block + epsilon.steps[-1][0]
    return None
