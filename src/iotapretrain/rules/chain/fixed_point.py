"""Arithmetic on the grid of 2^-32, exact to the last bit (Yuma, section 2).

The chain computes an epoch in fixed point: every product and quotient is cut down to a multiple of
2^-32. Here such a number is the whole number of grid steps it consists of, its *ticks*, in int64:
sums and comparisons are exact as they stand, and each operation below says why its result is the
floor of the exact one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

BITS = 32
ONE = 1 << BITS
U16 = 2**16 - 1
U64 = 2**64 - 1

Ticks = NDArray[np.int64]

# A quotient is first estimated in float64. Its four roundings, of at most 2^-53 each, stay below
# this margin, so an estimate raised by it is never too low, and below 2^16 less than a tick high.
_MARGIN = 2.0**-50
_INT64_END = 1 << 63
_EXP_LIMIT = 20 * ONE
_EXP_OF_ONE = 22_802_600 << (BITS - 23)  # e cut to 23 fractional bits
_EXP_POWERS = range(2, 32)
_BLOCK = 1 << 13


def real(ticks: ArrayLike) -> NDArray[np.float64]:
    """The real values; exact below 2^21."""
    return np.asarray(ticks) / ONE


def nearest(values: ArrayLike) -> Ticks:
    """Real constants on the grid, rounded to nearest; the epoch itself has none."""
    return np.rint(np.asarray(values, np.float64) * ONE).astype(np.int64)


def proportion(value: int) -> int:
    """A u16 proportion, `value / 65535`."""
    return (value << BITS) // U16


def stored(values: Ticks) -> NDArray[np.uint16]:
    """`q(x)` of x in [0, 1], the u16 that the chain keeps; never rounded up: 1 - 2^-32 is 65534."""
    return ((U16 * values) >> BITS).astype(np.uint16)


def product(left: Ticks, right: Ticks | int) -> Ticks:
    """`floor(left * right)` for factors in [0, 1]; `right` may be what broadcasts to `left`.

    Two such factors need 64 bits, except 1 * 1, whose product wraps to 0 and is put right by hand.
    """
    factor = np.asarray(right, np.int64)
    result = np.multiply(left.view(np.uint64), factor.view(np.uint64))
    result >>= np.uint64(BITS)
    whole = factor == ONE
    if whole.any():
        np.copyto(result, left.view(np.uint64), where=whole)
    return result.view(np.int64)


def quotient(dividend: Ticks, divisor: Ticks | int) -> Ticks:
    """`floor(dividend / divisor)`, not negative and below 2^16; 0 / 0 is 0, and nothing else by 0.

    The estimate is the quotient or a tick more; the sign of the remainder that it leaves tells
    which. The remainder lies in [-divisor, divisor), which int64 holds although its terms wrap.
    """
    total = np.maximum(divisor, 1)
    inverse = np.broadcast_to(ONE * (1.0 + _MARGIN) / total, dividend.shape)
    total = np.broadcast_to(total, dividend.shape)
    result = np.empty(dividend.shape, np.int64)
    for lines in _blocks(dividend):
        estimate = (dividend[lines] * inverse[lines]).astype(np.int64)
        remainder = (dividend[lines] << BITS) - estimate * total[lines]
        result[lines] = estimate + (remainder >> 63)
    return result


def reciprocal(divisor: Ticks) -> Ticks:
    """`floor(1 / divisor)`."""
    return quotient(np.full_like(divisor, ONE), divisor)


def fractions(values: Ticks, totals: Ticks | int) -> Ticks:
    """`floor(value / total)` for whole numbers, values below 2^21; 0 / 0 is 0.

    A value times 2^32 is below 2^53, so a quotient that is not whole is farther below the next
    whole number than float64 rounds: its floor is right as it stands.
    """
    return (values / (np.maximum(totals, 1) / ONE)).astype(np.int64)


def normalise(values: Ticks, axis: int | None = None) -> Ticks:
    """`norm`: divide by the sum, of everything or along an axis; what sums to 0 is 0 and stays."""
    return quotient(values, values.sum(axis=axis, keepdims=axis is not None))


def upscale_columns(matrix: Ticks) -> Ticks:
    """Divide each column by its largest entry; a column of zeros stays."""
    return quotient(matrix, matrix.max(axis=0, initial=0))


def shares(stake: NDArray[np.uint64]) -> Ticks:
    """The share of each in the sum, `floor(stake * 2^32 / total)` (Yuma, section 4)."""
    total = sum(stake.tolist())
    if total < _INT64_END:
        return quotient(stake.astype(np.int64), total)
    return np.array([(each << BITS) // total for each in stake.tolist()], np.int64)


def amounts(parts: Ticks, total: int) -> NDArray[np.int64]:
    """`floor(part * total)` in whole units, for parts in [0, 1] and a total below 2^63."""
    high, low = divmod(total, ONE)
    return parts * high + product(parts, low)


def exponential(exponent: Ticks) -> Ticks:
    """`exp` as the chain has it: exponent limited to [-20, 20], a series cut at every term."""
    limited = np.clip(exponent, -_EXP_LIMIT, _EXP_LIMIT)
    grown = np.abs(limited)
    for lines in _blocks(grown):
        grown[lines] = _series(grown[lines])
    result = np.where(limited < 0, reciprocal(grown), grown)
    result[limited == ONE] = _EXP_OF_ONE
    return result


def sigmoid(exponent: Ticks) -> Ticks:
    """`1 / (1 + exp(exponent))`."""
    return reciprocal(ONE + exponential(exponent))


def max_upscaled(values: Sequence[int]) -> list[int]:
    """Ticks scaled so that the largest becomes 65535, rounded half up (Yuma, section 12)."""
    largest = max(values, default=0)
    if largest == 0:
        return [0] * len(values)
    if largest > ONE << 15:
        factor = (U16 << 2 * BITS) // largest
        scaled = [value * factor >> BITS for value in values]
    else:
        scaled = [(value * U16 << BITS) // largest for value in values]
    return [min(U16, (value + ONE // 2) >> BITS) for value in scaled]


def _blocks(values: Ticks) -> Iterator[slice]:
    """Slices of a few lines each: what is made on the way stays in cache and in memory at hand."""
    step = max(1, _BLOCK * len(values) // max(1, values.size))
    for start in range(0, len(values), step):
        yield slice(start, start + step)


def _series(size: Ticks) -> Ticks:
    """`1 + x + x^2/2! + ... + x^31/31!` for x in [0, 20].

    No term reaches 2^26 and x has 5 bits before the point, so that their product, put together from
    halves, fits in 64 bits.
    """
    x = size.view(np.uint64)
    bits, low_bits = np.uint64(BITS), np.uint64(ONE - 1)
    x_high, x_low = x >> bits, x & low_bits
    term = x.copy()
    total = term + np.uint64(ONE)
    for power in _EXP_POWERS:
        carried = ((term & low_bits) * x_low) >> bits
        term = (term * x_high + (term >> bits) * x_low + carried) // np.uint64(power)
        total += term
    return total.view(np.int64)
