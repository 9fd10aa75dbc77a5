"""Subnets with several incentive mechanisms: an epoch each, put together (Yuma, section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotapretrain.errors import InputError
from iotapretrain.rules.fixed import U16
from iotapretrain.rules.yuma import EpochOutcome

_BITS = 64


def split(emission: int, count: int, shares_u16: Sequence[int] | None = None) -> list[int]:
    """The emission of each mechanism, by shares of 65535 or evenly; the first gets what is left."""
    if shares_u16 is None:
        parts = [emission // count] * count
    elif len(shares_u16) != count or sum(shares_u16) != U16:
        raise InputError(f"shares: {list(shares_u16)} are not {count} parts that sum to {U16}")
    else:
        parts = [emission * share // U16 for share in shares_u16]
    return [parts[0] + emission - sum(parts), *parts[1:]]


def combine(outcomes: Sequence[EpochOutcome], emissions: Sequence[int]) -> EpochOutcome:
    """One outcome for the subnet: amounts add up, flags are or-ed, the rest is averaged.

    Incentive, bonds and the trace belong to one mechanism each; these are the first one's.
    """
    total = sum(emissions)
    weights = [(part << _BITS) // total for part in emissions] if total else []
    weights = weights or [1 << _BITS, *[0] * (len(outcomes) - 1)]
    return replace(
        outcomes[0],
        stake_weight=_average([each.stake_weight for each in outcomes], weights),
        active=np.any([each.active for each in outcomes], axis=0),
        consensus=_average([each.consensus for each in outcomes], weights),
        dividends=_average([each.dividends for each in outcomes], weights),
        validator_trust=_average([each.validator_trust for each in outcomes], weights),
        validator_permit=np.any([each.validator_permit for each in outcomes], axis=0),
        emission=_average([each.emission for each in outcomes], weights),
        server_emission=np.sum([each.server_emission for each in outcomes], axis=0),
        validator_emission=np.sum([each.validator_emission for each in outcomes], axis=0),
    )


def _average(columns: Sequence[NDArray[Any]], weights: Sequence[int]) -> NDArray[Any]:
    """Weighted by parts of 2^64, each product floored; Python's whole numbers are long enough."""
    result = np.zeros_like(columns[0])
    for column, weight in zip(columns, weights, strict=True):
        result += ((column.astype(object) * weight) >> _BITS).astype(column.dtype)
    return result
