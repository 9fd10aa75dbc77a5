"""The field: the models of one competition round, and what is known about each before they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import FloatArray

IntArray = npt.NDArray[np.int64]
LARGEST_WHOLE = 2**53  # from here on a double no longer tells whole numbers apart
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Field:
    """One row a model, in the caller's order; build it with `Field.of`.

    `scores` is the one loss of each model, lower is better: NaN was not evaluated, infinity failed.
    `losses` holds its losses page by page, where they are known. `blocks` dates the commitments
    (infinity: none any more), `orders` gives their places inside a block, and models with one
    digest have the same content.
    """

    uids: IntArray
    blocks: FloatArray
    scores: FloatArray
    losses: FloatArray | None
    orders: IntArray
    digests: tuple[str | None, ...]

    def __post_init__(self) -> None:
        size = len(self.uids)
        for name in ("blocks", "scores", "losses", "orders", "digests"):
            values = getattr(self, name)
            if values is not None and len(values) != size:
                what = "rows of losses" if name == "losses" else name
                raise InputError(f"round: {len(values)} {what} for {size} models; give one each")
        if not all(isinstance(digest, str | None) for digest in self.digests):
            raise InputError("round: a digest is no text; give text, or null where unknown")
        if len(np.unique(self.uids)) != size:
            raise InputError("round: a uid occurs twice; list every model once")
        finite = self.blocks[np.isfinite(self.blocks)]
        if (
            np.isnan(self.blocks).any()
            or (self.blocks < 0).any()
            or (finite != np.floor(finite)).any()
        ):
            raise InputError(
                "round: a block is no whole number of 0 or more; give the commitment's block"
            )

    @classmethod
    def of(
        cls,
        uids: npt.ArrayLike,
        blocks: npt.ArrayLike,
        *,
        scores: npt.ArrayLike | None = None,
        losses: Sequence[Sequence[float | None]] | FloatArray | None = None,
        orders: npt.ArrayLike | None = None,
        digests: Sequence[str | None] | None = None,
    ) -> Field:
        """A field from plain lists, `None` standing for a missing loss.

        Scores default to the mean over the pages, and orders to the uids, which no caller can list
        differently.
        """
        numbers = _integers("uids", uids)
        matrix = None if losses is None else _matrix(losses)
        if scores is not None:
            column = _floats("scores", scores)
        elif matrix is not None:
            column = _mean(matrix)
        else:
            raise InputError("round: neither scores nor losses; give one of them")
        return cls(
            uids=numbers,
            blocks=_floats("blocks", blocks),
            scores=column,
            losses=matrix,
            orders=numbers if orders is None else _integers("orders", orders),
            digests=(None,) * len(numbers) if digests is None else tuple(digests),
        )

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def pages(self) -> int:
        """How many pages every model was scored on; 0 where only scores are known."""
        return 0 if self.losses is None else self.losses.shape[1]

    @property
    def seniority(self) -> IntArray:
        """Row numbers from the earliest commitment to the latest, whatever the caller's order."""
        return np.lexsort((self.uids, self.orders, self.blocks)).astype(np.int64)

    def ages(self, now: float) -> FloatArray:
        """Blocks since each commitment, 0 where there is none; `now` may be infinite."""
        if np.isnan(now):
            raise InputError("round: the current block is not a number; give a block, or infinity")
        return np.subtract(
            now, self.blocks, out=np.zeros(len(self)), where=np.isfinite(self.blocks)
        )


def _floats(name: str, values: npt.ArrayLike) -> FloatArray:
    try:
        column = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"round: {name}: {error}; give one number a model") from None
    if column.ndim != 1:
        raise InputError(f"round: {name}: give a flat list, one number a model")
    return _frozen(column)


def _integers(name: str, values: npt.ArrayLike) -> IntArray:
    floats = _floats(name, values)
    if not ((floats >= 0) & (floats < LARGEST_WHOLE) & (floats == np.floor(floats))).all():
        raise InputError(f"round: {name}: give whole numbers from 0 to {LARGEST_WHOLE - 1}")
    return _frozen(floats.astype(np.int64))


def _matrix(losses: Sequence[Sequence[float | None]] | FloatArray) -> FloatArray:
    try:
        lengths = {len(row) for row in losses} or {0}
        if len(lengths) == 1:
            shape = len(losses), *lengths
            return _frozen(np.array(losses, dtype=np.float64).reshape(shape))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"round: losses: {error}; give one number a model and page") from None
    raise InputError(
        f"round: models have {min(lengths)} to {max(lengths)} losses; give all the same pages"
    )


def _mean(losses: FloatArray) -> FloatArray:
    """Mean over the pages, summed from first to last so that every machine rounds alike."""
    models, pages = losses.shape
    if pages == 0:
        return _frozen(np.full(models, np.nan))
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are judged as such
        return _frozen(np.add.accumulate(losses, axis=1)[:, -1] / pages)


def _frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    array.setflags(write=False)
    return array
