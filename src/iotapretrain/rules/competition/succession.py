"""The sequential comparison: one champion at a time, never a cycle (competition, 15.6)."""

from __future__ import annotations

from iotapretrain.rules.competition.eligibility import taking_part
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.wins import beats


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
