"""Codes of a merge: how a member's change of its stage becomes bytes, and what that loses.

A code packs blocks of 4,096 numbers, each by itself, the last filled up with zeros: so that a size
follows from a count, and a run of whole blocks of a contribution is a range of its bytes.

    bf16      a number's upper half, rounded to nearest               8,192 bytes a block
    int8      a scale; whole numbers of -127 to 127                   4,100
    2bit      two levels; by number its sign and which level          1,032
    top       two levels; of the 512 largest place, sign and level      904
    top-64    the same of the 64 largest                                120

All who decode have the same bits. What a code lost is the member's residual, sent with the next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError

BLOCK = 4_096
LARGEST = 2.0**100
"""From here on a number is none: sums and differences of smaller ones cannot overflow."""
_SMALLEST_SCALE = np.float32(2.0**-110)  # far below, float32 has no exact steps
_THRESHOLD = np.float32(1.25)  # times the mean size: near the best for normal and Laplace's errors
_AT_A_TIME = 32  # blocks, so few that what is computed stays in the processor's cache
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.uint32)
_MASKS = _BITS * np.uint32(0xFFFFFFFF)  # by byte, for each of its bits all bits or none
_SIGNS = _BITS << np.uint32(31)

Floats = npt.NDArray[np.float32]
Packed = npt.NDArray[np.void]


class _Rows(NamedTuple):
    values: Floats
    sizes: Floats  # absolute values, which a code may overwrite
    counts: npt.NDArray[np.int64]  # without what is filled up


@dataclass(frozen=True)
class MergeCode(ABC):
    """What every code does; `layout` is one block as bytes."""

    name: str
    layout: np.dtype[np.void]

    def size(self, count: int) -> int:
        """What so many numbers take."""
        return -(-count // BLOCK) * self.layout.itemsize

    def encode(self, values: Floats) -> bytes:
        """As bytes; InputError where a number is none or not below 2^100."""
        blocks = -(-len(values) // BLOCK)
        rows, packed = np.zeros((blocks, BLOCK), np.float32), np.zeros(blocks, self.layout)
        rows.reshape(-1)[: len(values)] = values
        counts = np.minimum(len(values) - BLOCK * np.arange(blocks), BLOCK)
        for first in range(0, blocks, _AT_A_TIME):
            part = slice(first, first + _AT_A_TIME)
            sizes = np.abs(rows[part])
            if not sizes.max() < LARGEST:
                raise InputError(f"{self.name}: a number of what is to be sent is not below 2^100")
            self._pack(_Rows(rows[part], sizes, counts[part]), packed[part])
        return packed.tobytes()

    def decode(self, content: bytes, count: int) -> Floats:
        """`count` numbers, a stranger's perhaps infinite or none; InputError for another size."""
        if len(content) != self.size(count):
            raise InputError(f"{self.name}: {len(content):,} bytes, not {self.size(count):,}")
        packed = np.frombuffer(content, self.layout)
        rows = np.empty((len(packed), BLOCK), np.float32)
        with np.errstate(invalid="ignore", over="ignore"):  # a stranger's scale may be huge
            for first in range(0, len(packed), _AT_A_TIME):
                part = slice(first, first + _AT_A_TIME)
                self._unpack(packed[part], rows[part])
        return rows.reshape(-1)[:count]

    @abstractmethod
    def _pack(self, rows: _Rows, packed: Packed) -> None: ...

    @abstractmethod
    def _unpack(self, packed: Packed, rows: Floats) -> None: ...


class _BrainFloats(MergeCode):
    def _pack(self, rows: _Rows, packed: Packed) -> None:
        bits = rows.values.view(np.uint32)
        even = (bits >> np.uint32(16)) & np.uint32(1)
        packed["upper"] = (bits + (np.uint32(0x7FFF) + even)) >> np.uint32(16)

    def _unpack(self, packed: Packed, rows: Floats) -> None:
        np.left_shift(packed["upper"], np.uint32(16), out=rows.view(np.uint32))


class _ScaledBlocks(MergeCode):
    def _pack(self, rows: _Rows, packed: Packed) -> None:
        scales = np.maximum(rows.sizes.max(axis=1) / np.float32(127), _SMALLEST_SCALE)
        steps = np.divide(rows.values, scales[:, None], out=rows.sizes)
        packed["scale"], packed["steps"] = scales, np.rint(steps, out=steps).astype(np.int8)

    def _unpack(self, packed: Packed, rows: Floats) -> None:
        np.multiply(packed["steps"], packed["scale"][:, None], out=rows, dtype=np.float32)


class _TwoLevels(MergeCode):
    def _pack(self, rows: _Rows, packed: Packed) -> None:
        totals = rows.sizes.sum(axis=1)
        high = rows.sizes > (totals / rows.counts.astype(np.float32) * _THRESHOLD)[:, None]
        highs, above = np.count_nonzero(high, axis=1), (rows.sizes * high).sum(axis=1)
        packed["signs"] = np.packbits(np.signbit(rows.values), axis=1)
        packed["highs"] = np.packbits(high, axis=1)
        packed["levels"][:, 0] = (totals - above) / np.maximum(rows.counts - highs, 1)
        packed["levels"][:, 1] = above / np.maximum(highs, 1)

    def _unpack(self, packed: Packed, rows: Floats) -> None:
        low, high = packed["levels"].view(np.uint32).reshape(-1, 2, 1).transpose(1, 0, 2)
        bits = _MASKS[packed["highs"]].reshape(rows.shape)
        bits &= low ^ high
        bits ^= low  # one of the two, as the mask says
        np.bitwise_xor(bits, _SIGNS[packed["signs"]].reshape(bits.shape), out=rows.view(np.uint32))


class _Largest(_TwoLevels):
    def _pack(self, rows: _Rows, packed: Packed) -> None:
        kept = 8 * packed["signs"].shape[1]
        places = np.sort(np.argpartition(rows.sizes, BLOCK - kept, axis=1)[:, -kept:], axis=1)
        low, high = places[:, ::2], places[:, 1::2]
        packed["places"] = np.stack((low, low >> 8 | (high & 15) << 4, high >> 4), 2) & 255
        values, sizes = (np.take_along_axis(each, places, axis=1) for each in rows[:2])
        super()._pack(_Rows(values, sizes, np.minimum(rows.counts, kept)), packed)

    def _unpack(self, packed: Packed, rows: Floats) -> None:
        first, middle, last = packed["places"].astype(np.int64).transpose(2, 0, 1)
        pairs = np.stack((first | (middle & 15) << 8, middle >> 4 | last << 4), 2)
        places = pairs.reshape(len(pairs), -1)
        values, rows[:] = np.empty(places.shape, np.float32), 0
        super()._unpack(packed, values)
        values[(np.diff(places, axis=1) <= 0).any(axis=1)] = np.nan  # one place twice: no block
        np.put_along_axis(rows, places, values, axis=1)


def _two_levels(count: int, *more: tuple[str, str, tuple[int, int]]) -> np.dtype[np.void]:
    bits = count // 8
    return np.dtype([("levels", "<f4", 2), ("signs", "u1", bits), ("highs", "u1", bits), *more])


BF16 = _BrainFloats("bf16", np.dtype([("upper", "<u2", BLOCK)]))
INT8 = _ScaledBlocks("int8", np.dtype([("scale", "<f4"), ("steps", "i1", BLOCK)]))
TWO_BIT = _TwoLevels("2bit", _two_levels(BLOCK))
TOP, TOP_64 = (  # two places of 12 bits in three bytes
    _Largest(name, _two_levels(kept, ("places", "u1", (kept // 2, 3))))
    for name, kept in (("top", 512), ("top-64", 64))
)
CODES = MappingProxyType({each.name: each for each in (BF16, INT8, TWO_BIT, TOP, TOP_64)})
"""Every code by the name that a run's file uses."""


def compressed(code: MergeCode, change: Floats, residual: Floats) -> tuple[bytes, Floats]:
    """The bytes of change + residual, and what they lost.

    Decoded + lost is what was to be sent: in bf16 to the bit, else within 2^-24 of what was lost.
    """
    if change.shape != residual.shape:
        raise InputError(f"a change of {change.shape} and a residual of {residual.shape}")
    wanted = change + residual
    content = code.encode(wanted)
    return content, wanted - code.decode(content, len(wanted))
