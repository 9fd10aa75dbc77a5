"""The weights themselves, streamed once: are they finite, and what do they look like?

A fingerprint tells a copy, and a copy with noise, without keeping the weights. For each tensor it
holds a digest of its values and a sketch: `BUCKETS` sums of all values with pseudo-random signs.
The sketch is linear, and the squared distance of two sketches is on average that of the tensors, so
that the relative distance of two models can be told within about 9 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from iotapretrain.models.header import BYTES, TensorEntry
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.weight_files import Stored

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


def examine_values(
    tensors: Mapping[str, Stored], salt: int = 0
) -> tuple[Fingerprint, list[Finding]]:
    """Fingerprint by tensor, and a finding for each tensor that holds NaN or infinity.

    Only fingerprints of the same salt compare; a validator that keeps its salt to itself cannot be
    fooled by noise that is made to cancel in the sums.
    """
    prints: dict[str, TensorPrint] = {}
    findings: list[Finding] = []
    for name, stored in tensors.items():
        prints[name] = _print(stored, salt)
        if not math.isfinite(prints[name].norm):
            findings.append(Finding(Code.NOT_FINITE, f"{name} holds NaN or infinity", name))
    return prints, findings


def _print(stored: Stored, salt: int) -> TensorPrint:
    digest = blake3()
    signs = np.random.Generator(np.random.Philox(key=[salt, 0]))
    sums = np.zeros(BUCKETS, dtype=np.float64)
    squares = 0.0
    for content, values in _chunks(stored):
        digest.update(content)
        finite = bool(np.isfinite(values).all())
        squares += float(np.dot(values, values.astype(np.float64))) if finite else math.inf
        if finite:
            sums += _signed_sums(values, signs)
    entry = stored.entry
    sketch = tuple(sums.tolist())
    return TensorPrint(entry.shape, digest.hexdigest(), math.sqrt(squares), sketch)


def _chunks(stored: Stored) -> Iterator[tuple[bytearray, Values]]:
    entry = stored.entry
    step = CHUNK * BYTES[entry.dtype]
    for start in range(entry.start, entry.end, step):
        content = stored.file.read(start, min(step, entry.end - start))
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
