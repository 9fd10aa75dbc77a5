"""How a stage merges: which exchange and which code, from its members, size and merges.

In a gathered merge everybody fetches everybody's change, so bytes grow with the members; in a
butterfly they do not. The cheaper of the two is taken. Changes go in `2bit`, which loses about one
per cent of the loss in few merges and less in many; where so few merges are to come that its
residual has no time to catch up, and members are few, `int8` costs little and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import BF16, CODES, MergeCode

FEW_MERGES, FEW_MEMBERS = 20, 8


@dataclass(frozen=True)
class Exchange:
    """What a run's stage does, and what a member moves in one merge."""

    kind: Literal["gathered", "butterfly"]
    code: MergeCode
    sent: int
    fetched: int


def gathered(code: MergeCode, members: int, parameters: int) -> Exchange:
    """Everybody reduces all: one change out, all others in."""
    size = code.size(parameters)
    return Exchange("gathered", code, size, (members - 1) * size)


def butterfly(code: MergeCode, members: int, parameters: int) -> Exchange:
    """Two holders a shard: changes in the code, results in bfloat16 (`butterfly.py`)."""
    change, result = code.size(parameters), BF16.size(parameters)
    own = 2 * result // members
    return Exchange(
        "butterfly", code, change + own, 2 * (members - 1) * change // members + result - own
    )


def choose_exchange(members: int, parameters: int, merges: int) -> Exchange:
    """The cheaper exchange; `merges` are those that the run will have."""
    if members < 2 or parameters < 1 or merges < 1:
        raise InputError(
            f"merge of {members} members, {parameters} parameters and {merges} merges;"
            " give 2 or more members, and 1 or more of the others"
        )
    exact = merges < FEW_MERGES and members < FEW_MEMBERS
    code = CODES["int8" if exact else "2bit"]
    both = (gathered(code, members, parameters), butterfly(code, members, parameters))
    return min(both, key=lambda each: each.sent + each.fetched)
