"""Blocks dealt to stages so that the slowest stage is as fast as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from iotapretrain.errors import InputError


@dataclass(frozen=True)
class Burden:
    """What a part of the model costs its stage: time, in any unit, and bytes of memory."""

    time: float
    memory: int

    def __post_init__(self) -> None:
        if not (0 <= self.time < float("inf") and self.memory >= 0):
            raise InputError(f"burden of {self.time} time and {self.memory} bytes; give 0 or more")


def deal_blocks(
    blocks: Sequence[Burden], head: Burden, tail: Burden, stages: int, memory: int | None = None
) -> tuple[int, ...]:
    """Blocks a stage, at least one, in order; `head` and `tail` weigh on the first and the last.

    Exact, by dynamic programming over (stages, blocks); of equal cuts the one with fewer blocks in
    earlier stages. InputError where no cut keeps every stage within `memory` bytes.
    """
    if not 1 <= stages <= len(blocks):
        raise InputError(f"{stages} stages of {len(blocks)} blocks; each stage takes at least one")
    times = [0.0, *accumulate(each.time for each in blocks)]
    bytes_before = [0, *accumulate(each.memory for each in blocks)]

    def burden(stage: int, first: int, end: int) -> float:
        ends = [each for each, there in ((head, stage == 0), (tail, stage == stages - 1)) if there]
        held = bytes_before[end] - bytes_before[first] + sum(each.memory for each in ends)
        if memory is not None and held > memory:
            return float("inf")
        return times[end] - times[first] + sum(each.time for each in ends)

    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for stage in range(stages):
        later = stages - stage - 1
        best = {
            end: min(
                (max(slowest, burden(stage, first, end)), (*dealt, end - first))
                for first, (slowest, dealt) in best.items()
                if first < end
            )
            for end in range(stage + 1, len(blocks) - later + 1)
        }
    slowest, dealt = best[len(blocks)]
    if slowest == float("inf"):
        raise InputError(
            f"no cut into {stages} stages keeps each within {memory:,} bytes;"
            " give more stages or more memory"
        )
    return dealt
