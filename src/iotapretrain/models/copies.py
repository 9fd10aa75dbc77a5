"""Is this model one that was seen before, or the same in disguise? (competition, 17;
docs/models.md)

By sketches of its tensors, which are linear: the squared distance of two is on average that of the
tensors. And by what it does: two models are the same if they lose the same, token by token.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.weight_files import BYTES, TensorEntry

SAME = 2.0**-8
MOST_SHARED = 0.95
"""A model is a near-copy if more than this share of its parameters lies in tensors that are the
same."""

SAME_LOSS = 0.005
"""Nats. Disguises were up to 0.0028 away; one step of AdamW at rate 1e-4 at least 0.0058, ten at
least 0.018 (docs/models.md)."""
LEAST_TOKENS = 128
"""Fewer say nothing."""

BUCKETS = 256
CHUNK = 2**20
"""Elements in memory at once; a multiple of BUCKETS."""

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TensorPrint:
    """What is kept of one tensor: its shape, a digest of its bytes, its norm, and its sketch."""

    shape: tuple[int, ...]
    digest: str
    norm: float
    sketch: tuple[float, ...]


Fingerprint = Mapping[str, TensorPrint]


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


def examine_values(
    tensors: Mapping[str, TensorEntry], salt: int = 0
) -> tuple[Fingerprint, list[Finding]]:
    """Fingerprint by tensor, and a finding for each tensor that holds NaN or infinity.

    Only fingerprints of the same salt compare; a validator that keeps its salt to itself cannot be
    fooled by noise that is made to cancel in the sums.
    """
    prints: dict[str, TensorPrint] = {}
    findings: list[Finding] = []
    for name, entry in tensors.items():
        prints[name] = _print(entry, salt)
        if not math.isfinite(prints[name].norm):
            findings.append(Finding(Code.NOT_FINITE, f"{name} holds NaN or infinity", name))
    return prints, findings


def _print(entry: TensorEntry, salt: int) -> TensorPrint:
    digest = blake3()
    signs = np.random.Generator(np.random.Philox(key=[salt, 0]))
    sums = np.zeros(BUCKETS, dtype=np.float64)
    squares = 0.0
    for content, values in _chunks(entry):
        digest.update(content)
        finite = bool(np.isfinite(values).all())
        squares += float(np.dot(values, values.astype(np.float64))) if finite else math.inf
        if finite:
            sums += _signed_sums(values, signs)
    return TensorPrint(entry.shape, digest.hexdigest(), math.sqrt(squares), tuple(sums.tolist()))


def _chunks(entry: TensorEntry) -> Iterator[tuple[bytearray, Values]]:
    step = CHUNK * BYTES[entry.dtype]
    for start in range(entry.start, entry.end, step):
        content = entry.file.read(start, min(step, entry.end - start))
        yield content, _floats(content, entry)


def _floats(content: bytearray, entry: TensorEntry) -> Values:
    """Values as float32; numpy has no bfloat16, but its bits are the upper half of a float32's."""
    if entry.dtype == "BF16":
        return (np.frombuffer(content, dtype="<u2").astype("<u4") << 16).view("<f4")
    kind = {"F16": "<f2", "F32": "<f4"}[entry.dtype]
    return np.frombuffer(content, dtype=kind).astype(np.float32, copy=False)


def _signed_sums(values: Values, signs: np.random.Generator) -> npt.NDArray[np.float64]:
    rows = -(-len(values) // BUCKETS)
    padded = np.zeros(rows * BUCKETS, dtype=np.float32)
    padded[: len(values)] = values
    bits = np.unpackbits(np.frombuffer(signs.bytes(rows * BUCKETS // 8), dtype=np.uint8))
    flips = padded.view(np.uint32)
    flips ^= bits.astype(np.uint32) << 31
    return np.asarray(padded.reshape(rows, BUCKETS).sum(axis=0, dtype=np.float64))
