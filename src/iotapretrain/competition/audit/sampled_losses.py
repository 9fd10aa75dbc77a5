"""Which losses an auditor computes who cannot compute all, and what that is worth.

The pairs of model and page are drawn evenly and without repetition, by the auditor's own seed, so
that no validator can know them when it publishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from random import Random
from typing import TypeVar

from iotapretrain.errors import InputError

Item = TypeVar("Item")


def sampled(items: Sequence[Item], count: int | None, rng: Random) -> list[Item]:
    """So many of them in their order; all where no count is given, or there are not more."""
    if count is None or count >= len(items):
        return list(items)
    if count < 1:
        raise InputError(f"sample of {count}: give 1 or more")
    return [items[place] for place in sorted(rng.sample(range(len(items)), count))]


def chance_of_finding(total: int, sample: int, false: int) -> float:
    """That at least one of `false` among `total` is in a sample: 1 - C(t - f, s) / C(t, s)."""
    if not 0 <= false <= total or not 0 <= sample <= total:
        raise InputError(f"{false} false and {sample} sampled of {total}: give at most as many")
    return 1 - comb(total - false, sample) / comb(total, sample)
