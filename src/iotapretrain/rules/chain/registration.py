"""What it costs to register, and which neuron a newcomer replaces (Yuma, section 13).

Factors are fixed-point numbers, so that every node computes the same price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from iotapretrain.rules.chain.fixed_point import BITS, ONE

MULTIPLIER_BITS = 64


def decayed(price: int, half_life: int, lowest: int, highest: int) -> int:
    """The price one block later; a half-life of 0 means that it does not fall."""
    return _clamped(price * decay_factor(half_life) >> BITS, lowest, highest)


def raised(price: int, multiplier: int, lowest: int, highest: int) -> int:
    """The price after a registration; the multiplier is in parts of 2^64, and 1 at the least."""
    factor = max(multiplier, 1 << MULTIPLIER_BITS)
    return _clamped(price * factor >> MULTIPLIER_BITS, lowest, highest)


@lru_cache
def decay_factor(half_life: int) -> int:
    """The largest number of 2^-32 steps whose power `half_life` is at most 1/2."""
    if half_life == 0:
        return ONE
    low, high = 0, ONE
    while low + 1 < high:
        middle = (low + high) // 2
        if _power(middle, half_life) > ONE // 2:
            high = middle
        else:
            low = middle
    return low


def _power(base: int, exponent: int) -> int:
    """By squaring, cut to 2^-32 at every step."""
    result = ONE
    while exponent:
        if exponent & 1:
            result = result * base >> BITS
        base = base * base >> BITS
        exponent >>= 1
    return result


def _clamped(price: int, lowest: int, highest: int) -> int:
    return min(max(price, lowest), highest)


@dataclass(frozen=True)
class ReplaceableNeuron:
    """A neuron: emission of the last epoch, block of registration, a key of the owner's or not."""

    emission: int
    registered: int
    owner_key: bool = False


def uid_to_replace(
    neurons: Sequence[ReplaceableNeuron],
    block: int,
    immunity_period: int,
    min_non_immune: int,
    owner_limit: int,
    owner_uid: int | None,
) -> int | None:
    """The uid of the neuron that goes, None if none can; `neurons` are in the order of uid.

    The one with the least emission goes, of equal ones the oldest; immune ones only where too few
    others are left, the owner's first keys never.
    """
    immortal = _immortal(neurons, owner_limit, owner_uid)
    mortal = [
        (neuron.emission, neuron.registered, uid)
        for uid, neuron in enumerate(neurons)
        if uid not in immortal
    ]
    immune = [entry for entry in mortal if block - entry[1] < immunity_period]
    others = [entry for entry in mortal if block - entry[1] >= immunity_period]
    candidates = others if len(others) > min_non_immune else immune
    return min(candidates)[-1] if candidates else None


def _immortal(neurons: Sequence[ReplaceableNeuron], limit: int, owner_uid: int | None) -> list[int]:
    """The owner's keys that are never replaced: the designated one, then the oldest."""
    owned = [(neuron.registered, uid) for uid, neuron in enumerate(neurons) if neuron.owner_key]
    kept = [uid for _, uid in sorted(owned)[:limit]]
    if owner_uid is not None and owner_uid not in kept:
        kept = [owner_uid, *kept][:limit]
    return kept
