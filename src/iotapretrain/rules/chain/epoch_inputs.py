"""The state of a subnet that an epoch reads (Yuma, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import U64
from iotapretrain.rules.chain.hyperparameters import check_whole
from iotapretrain.rules.chain.sparse_rows import Rows

NO_COMMIT = 2**62
PerNeuron = Any  # any sequence when given; an array once it is kept

_NEVER = -(2**62)
_LAST_BLOCK = 2**62 - 1
_LARGEST_EMISSION = 2**63 - 1


@dataclass(frozen=True, eq=False)
class EpochInputs:
    """One subnet at one block; sequences have one value a neuron, in the order of uid.

    `last_update` may be longer or shorter: what is too much is ignored, and a neuron without a
    value is inactive. A `commit_block` of None or infinity means no active commit. Whatever is
    malformed is refused with an `InputError` that names the field and the uid.
    """

    block: int
    last_step: int
    stake: PerNeuron
    permit: PerNeuron
    last_update: PerNeuron
    registered: PerNeuron
    weights: Rows
    bonds: Rows
    emission: int
    commit_block: PerNeuron = None

    def __post_init__(self) -> None:
        size = len(self.stake)
        check_whole("block", self.block, 0, _LAST_BLOCK)
        check_whole("last_step", self.last_step, 0, _LAST_BLOCK)
        check_whole("emission", self.emission, 0, _LARGEST_EMISSION)
        self._keep("stake", _whole("stake", self.stake, size, U64).astype(np.uint64))
        self._keep("permit", _flags("permit", self.permit, size))
        self._keep("registered", _blocks("registered", self.registered, size))
        known = self.last_update[:size]
        updates = np.full(size, _NEVER)
        updates[: len(known)] = _blocks("last_update", known, len(known))
        self._keep("last_update", updates)
        self._keep("commit_block", _commit_blocks(self.commit_block, size))
        for name, rows in (("weights", self.weights), ("bonds", self.bonds)):
            if rows.size != size:
                raise InputError(f"{name}: {rows.size} rows for {size} neurons")

    @property
    def size(self) -> int:
        return len(self.stake)

    def _keep(self, name: str, value: NDArray[Any]) -> None:
        object.__setattr__(self, name, value)


def _whole(name: str, values: ArrayLike | Sequence[Any], size: int, largest: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.shape != (size,):
        raise InputError(f"{name}: {size} values are needed, one a neuron; got shape {array.shape}")
    if size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() > largest):
        array = np.array(values, object)  # numpy makes floats of whole numbers beyond int64
        for uid, value in enumerate(array):
            check_whole(f"{name}: uid {uid}", value, 0, largest)
    return array


def _blocks(name: str, values: ArrayLike, size: int) -> NDArray[np.int64]:
    return _whole(name, values, size, _LAST_BLOCK).astype(np.int64)


def _commit_blocks(values: Sequence[Any] | None, size: int) -> NDArray[np.int64]:
    if values is None:
        return np.full(size, NO_COMMIT)
    numbers = [NO_COMMIT if value is None or value == np.inf else value for value in values]
    return _whole("commit_block", numbers, size, NO_COMMIT).astype(np.int64)


def _flags(name: str, values: ArrayLike, size: int) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.shape != (size,) or (size and array.dtype.kind != "b"):
        raise InputError(f"{name}: {size} values are needed, one a neuron, each true or false")
    return array.astype(bool)
