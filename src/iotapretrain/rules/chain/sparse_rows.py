"""Weights or bonds as the chain keeps them: for each neuron a row of (uid, u16) pairs.

An entry may be present with the value 0, which is not always the same as absent (Yuma, section 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import U16

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of `size` neurons, never changed: entry k has `value[k]` at `place[k]`.

    A place is `row * size + uid`; places ascend.
    """

    size: int
    place: NDArray[np.int64]
    value: NDArray[np.int64]

    def __post_init__(self) -> None:
        self.place.flags.writeable = self.value.flags.writeable = False

    @classmethod
    def from_pairs(cls, rows: Sequence[Iterable[Sequence[int]]], name: str = "rows") -> Rows:
        """One iterable of (uid, value) pairs a neuron, in any order; messages call it `name`."""
        listed = [list(row) for row in rows]
        pairs = _pairs(listed, name)
        row = np.repeat(np.arange(len(listed)), [len(each) for each in listed])
        uid, value = pairs[:, 0], pairs[:, 1]
        _refuse(
            name,
            row,
            uid,
            (uid < 0) | (uid >= len(listed)),
            f"is not one of the {len(listed)} neurons",
        )
        _refuse(name, row, uid, (value < 0) | (value > U16), f"has a value outside 0..{U16}")
        place = row * len(listed) + uid
        order = np.argsort(place)
        twice = np.diff(place[order], prepend=-1) == 0
        _refuse(name, row[order], uid[order], twice, "is there twice")
        return cls(len(listed), place[order], value[order])

    @classmethod
    def from_dense(
        cls, size: int, rows: NDArray[np.int64], matrix: NDArray[Any], present: NDArray[np.bool_]
    ) -> Rows:
        """The `present` entries of a matrix whose lines belong to the neurons `rows`, ascending."""
        place = np.flatnonzero(present)
        value = matrix.ravel()[place].astype(np.int64)
        skipped = (rows - np.arange(len(rows))) * size
        return cls(size, place + np.repeat(skipped, present.sum(axis=1)), value)

    @classmethod
    def empty(cls, size: int) -> Rows:
        """Rows without any entry."""
        return cls.from_pairs([()] * size)

    def to_pairs(self) -> list[list[Pair]]:
        """One list of (uid, value) pairs a neuron, sorted by uid."""
        result: list[list[Pair]] = [[] for _ in range(self.size)]
        for place, value in zip(self.place.tolist(), self.value.tolist(), strict=True):
            row, uid = divmod(place, self.size)
            result[row].append((uid, value))
        return result

    def filled(self) -> NDArray[np.bool_]:
        """Which rows have entries."""
        ends = np.searchsorted(self.place, np.arange(self.size + 1) * self.size)
        return np.diff(ends) > 0

    def dense(self, rows: NDArray[np.int64], absent: int = 0) -> NDArray[np.int64]:
        """The rows of the neurons `rows`, ascending, as a matrix, with `absent` for no entry."""
        matrix = np.full(len(rows) * self.size, absent)
        first = np.searchsorted(self.place, rows * self.size)
        last = np.searchsorted(self.place, (rows + 1) * self.size)
        for line, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            matrix[self.place[start:end] - (rows[line] - line) * self.size] = self.value[start:end]
        return matrix.reshape(len(rows), self.size)


def _pairs(rows: list[list[Sequence[int]]], name: str) -> NDArray[np.int64]:
    entries = list(chain.from_iterable(rows))
    if not entries:
        return np.empty((0, 2), np.int64)
    try:
        pairs = np.array(entries)
    except ValueError:
        pairs = np.empty(0)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InputError(f"{name}: every entry must be a pair of two whole numbers, uid and value")
    return pairs.astype(np.int64)


def _refuse(
    name: str,
    row: NDArray[np.int64],
    uid: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    problem: str,
) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(f"{name}: row {row[first]}: uid {uid[first]} {problem}")
