"""Is this model one that was seen before, or the same in disguise? (competition, 17)

Two tensors are the same if the root mean square of their difference is less than `SAME` of their
own, the most by which rounding to bfloat16 can move a value. Training on moves weights by far more:
one step of Adam at rate 1e-4 moves weights of size 0.02 by 5e-3.

Weights that are permuted, rescaled or set among idle ones are other tensors and the same model. It
is told by what it does: two models are the same if they lose the same on text, token by token.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.models.values import Fingerprint, TensorPrint
from iotapretrain.models.verdict import Code, Finding

SAME = 2.0**-8
MOST_SHARED = 0.95
"""A model is a near-copy if more than this share of its parameters lies in tensors that are the
same."""

SAME_LOSS = 0.005
"""Nats. Disguises were up to 0.0028 away; one step of AdamW at rate 1e-4 at least 0.0058, ten at
least 0.018 (docs/models.md)."""
LEAST_TOKENS = 128
"""Fewer say nothing."""


@dataclass(frozen=True)
class Known:
    """A model that was seen before: what to call it, its digest, and its fingerprint."""

    name: str
    digest: str
    fingerprint: Fingerprint


def find_copy(digest: str, known: Iterable[Known]) -> Finding | None:
    """The same files under another name."""
    for other in known:
        if other.digest == digest:
            return Finding(Code.COPY, f"has the very files of {other.name}", other.name)
    return None


def find_near_copy(fingerprint: Fingerprint, known: Iterable[Known]) -> Finding | None:
    """The most similar of the models seen before, if it is too similar."""
    shares = [(shared_fraction(fingerprint, other.fingerprint), other.name) for other in known]
    share, name = max(shares, default=(0.0, ""))
    if share <= MOST_SHARED:
        return None
    return Finding(
        Code.NEAR_COPY, f"{share:.1%} of its parameters are those of {name} but for noise", name
    )


def shared_fraction(ours: Fingerprint, theirs: Fingerprint) -> float:
    """Share of our parameters in tensors that are the same in both, by name."""
    sizes = {name: math.prod(tensor.shape) for name, tensor in ours.items()}
    same = sum(size for name, size in sizes.items() if _same(ours[name], theirs.get(name)))
    return same / max(sum(sizes.values()), 1)


def behaviour_distance(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How far two models' losses of a token are apart: the median over that half of the tokens
    which the other model, the earlier one, finds hardest.

    Almost everybody loses almost nothing on the rest. A median, so that a copy which was changed
    where few tokens are is one still; infinite where the two cannot be compared.
    """
    own, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if own.shape != other.shape or len(own) < LEAST_TOKENS:
        return math.inf
    if not (np.isfinite(own).all() and np.isfinite(other).all()):
        return math.inf
    hard = other >= np.median(other)
    return float(np.median(np.abs(own - other)[hard]))


def relative_change(ours: TensorPrint, theirs: TensorPrint) -> float:
    """Estimated ‖a - b‖ / ‖b‖; 0 for equal bytes, whatever the sketch rounds."""
    distance = float(np.linalg.norm(np.subtract(ours.sketch, theirs.sketch)))
    if ours.digest == theirs.digest or distance == 0:
        return 0.0
    return distance / theirs.norm if theirs.norm else math.inf


def _same(ours: TensorPrint, theirs: TensorPrint | None) -> bool:
    if theirs is None or theirs.shape != ours.shape:
        return False
    return relative_change(ours, theirs) < SAME
