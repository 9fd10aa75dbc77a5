"""What it costs to register: the price falls with every block and jumps with every registration.

Whole units; factors are fixed-point numbers, so that every node computes the same price (Yuma,
section 13).
"""

from __future__ import annotations

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
