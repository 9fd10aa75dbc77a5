"""Scales that an honest model's tensors keep to each other, whoever trained it.

A function-preserving rescaling moves several tensors at once: all writers to the stream, both
halves of a product, a gain and its readers. One odd tensor is a habit (writers that begin at
zero, embeddings of unit variance); all tensors of one rescaling odd in its direction, by the same
factor, is the rescaling itself. So every check asks for all of them. Scales are decimal
logarithms of root mean squares.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from iotapretrain.models.trainable.parts import Block, Linear, Parts, State
from iotapretrain.models.trainable.sign import Check, Sign

FLOOR = -38.0
"""The scale of a tensor of zeros: the smallest that float32 holds."""

PAIR_LIMIT = 0.8
"""Decades between the halves of a product. Scaled initialisation of 20 layers begins 0.8 apart, 3
layers 0.4.
"""
HEAVY_LIMIT = 0.2
"""Decades of the heavier half over the layer's other readers; honest ones are at most 0.1
heavier.
"""

SMALL_GAIN, LARGE_GAIN = -0.75, 0.25
"""Gains of norms inside the layers: honest ones went down to -0.6 (weight decay 1 on gains), and
hardly up.
"""
SMALL_LAST_GAIN, LARGE_LAST_GAIN = -0.6, 0.6
"""The last norm's gain sets the temperature, so it moves more."""
LARGE_READERS, SMALL_READERS = 0.6, -0.25
"""Readers over writers, where the gain is small or large."""
HEAD_LIMIT = 0.1
"""The head over the readers, likewise: the head of an honest model may be anything, but not
opposite to its gain.
"""

EMBEDDING_BAND = (-0.45, 1.15)
WRITER_BAND = (-0.75, 0.15)
GAIN_BAND = (-0.3, 0.3)
"""Embedding and writers over the median reader, and a tied model's last gain, in honest models of
all initialisations.
"""
STREAM_LIMIT = 0.5
"""Decades by which everything written to the stream lies, together, outside its bands; Muon brought
an honest one 0.34 outside.
"""
SMALL_TABLE = -1.9
"""No honest embedding was smaller; the smallest, after much weight decay, was -1.8."""
USUAL_TABLE, WEAK_WRITERS = (-0.45, 0.4), -0.85
"""An embedding like its readers above writers far below them: no initialisation has this, a
stream scaled down has.
"""

LIGHT_LIMIT = -0.85
"""Decades of a layer's value, gate and up over the median reader. Queries may begin at zero, so
they are left out.
"""


def scale(tensor: torch.Tensor) -> float:
    """log10 of the root mean square; FLOOR for zeros."""
    square = torch.linalg.vector_norm(tensor, dtype=torch.float64).item() ** 2 / max(
        1, tensor.numel()
    )
    return 0.5 * math.log10(square) if square > 10 ** (2 * FLOOR) else FLOOR


@dataclass(frozen=True)
class BlockScales:
    """Scales of one layer: of its norms' gains, and of its matrices by their parts."""

    gains: tuple[float, float]
    readers: tuple[tuple[float, ...], tuple[float, ...]]
    output: float
    down: float

    @classmethod
    def of(cls, block: Block, state: State) -> BlockScales:
        (attention, mlp) = block.readers
        return cls(
            gains=(scale(state[attention[0].weight]), scale(state[mlp[0].weight])),
            readers=(
                tuple(scale(part.matrix(state)) for part in attention[1]),
                tuple(scale(part.matrix(state)) for part in mlp[1]),
            ),
            output=scale(block.output.matrix(state)),
            down=scale(block.down.matrix(state)),
        )


@dataclass(frozen=True)
class Scales:
    """Scales of a whole model."""

    embedding: float
    blocks: tuple[BlockScales, ...]
    last_gain: float
    head: float | None

    @classmethod
    def of(cls, parts: Parts, state: State) -> Scales:
        return cls(
            embedding=scale(state[parts.embedding]),
            blocks=tuple(BlockScales.of(block, state) for block in parts.blocks),
            last_gain=scale(state[parts.final_norm.weight]),
            head=None if parts.head is None else scale(state[parts.head]),
        )

    @property
    def reader(self) -> float:
        """The median over all matrices that read the stream."""
        return statistics.median(
            s for block in self.blocks for group in block.readers for s in group
        )

    @property
    def output(self) -> float:
        return statistics.median(block.output for block in self.blocks)

    @property
    def down(self) -> float:
        return statistics.median(block.down for block in self.blocks)

    @property
    def writer(self) -> float:
        return (self.output + self.down) / 2


def scale_signs(parts: Parts, state: State) -> Iterator[Sign]:
    """One sign for every product, one for every norm, and one for the stream.

    A gain that was found rescaled is first put back into its readers: else the stream would stand
    out against them.
    """
    scales = Scales.of(parts, state)
    effective: list[float] = []
    for block, of_block in zip(parts.blocks, scales.blocks, strict=True):
        yield from _pairs(block, of_block)
        signs = _norms(block, of_block, scales.writer)
        yield from signs
        effective.extend(_effective(of_block, signs))
        yield from _light(block, of_block, scales.reader)
    reader = statistics.median(effective)
    yield _last_norm(parts, scales, reader)
    yield _stream(parts, scales, reader)


def _effective(block: BlockScales, signs: Iterable[Sign]) -> Iterator[float]:
    for sign, gain, readers in zip(signs, block.gains, block.readers, strict=True):
        yield from (reader + gain * sign.suspicious for reader in readers)


def _stream(parts: Parts, scales: Scales, reader: float) -> Sign:
    """The least common shift that brings all that is written back into its bands, if one shift
    does.
    """
    table, output, down = (
        value - reader for value in (scales.embedding, scales.output, scales.down)
    )
    banded = [(table, EMBEDDING_BAND), (output, WRITER_BAND), (down, WRITER_BAND)]
    if parts.head is None:
        banded.append((-scales.last_gain, GAIN_BAND))
    least = max(value - high for value, (_, high) in banded)
    most = min(value - low for value, (low, _) in banded)
    shift = 0.0 if least > most else max(least, min(most, 0.0))
    excess = abs(shift) - STREAM_LIMIT
    if shift < 0 and parts.head is not None:
        excess = min(excess, _scaled_down(scales.embedding, table, max(output, down)))
    sentence = (
        f"all that is written to the residual stream ({parts.embedding} and every layer's writers) "
        f"is {_times(shift)} what fits the matrices that read it"
    )
    return Sign(Check.STREAM, parts.embedding, excess, sentence)


def _scaled_down(embedding: float, table: float, writers: float) -> float:
    """What tells a stream scaled down from a habit: a small table, and writers that began at
    zero, under large readers.

    Either the table is smaller than any honest one, or it is no smaller than its readers though
    the writers are.
    """
    low, high = USUAL_TABLE
    return max(SMALL_TABLE - embedding, min(table - low, high - table, WEAK_WRITERS - writers))


def _light(block: Block, scales: BlockScales, reader: float) -> Iterator[Sign]:
    """Matrices that pass gradients on to nothing else: too light, and what they feed has nothing
    to learn from.
    """
    (_, _, value), mlp = scales.readers
    _, (_, entries) = block.readers
    for part, of_part in ((block.value, value), *zip(entries, mlp, strict=True)):
        over = of_part - reader
        sentence = (
            f"{_named(part)} is {_times(over)} the median of the matrices that read the stream"
        )
        yield Sign(Check.MATRIX, part.weight, LIGHT_LIMIT - over, sentence)


def _pairs(block: Block, scales: BlockScales) -> Iterator[Sign]:
    (query, key, value), mlp = scales.readers
    yield _pair(block.value, value, block.output, scales.output, (query, key, mlp[0]))
    yield _pair(block.query, query, block.key, key, (value, *mlp))
    yield _pair(
        block.up,
        mlp[-1],
        block.down,
        scales.down,
        (query, key, value if block.gate is None else mlp[0]),
    )


def _pair(
    first: Linear, of_first: float, second: Linear, of_second: float, peers: tuple[float, ...]
) -> Sign:
    """Both must hold: the halves lie far apart, and the heavier is heavy for its layer."""
    heavy, light = (first, second) if of_first >= of_second else (second, first)
    apart = abs(of_first - of_second)
    overweight = max(of_first, of_second) - statistics.median(peers)
    sentence = (
        f"{_named(heavy)} is {_times(apart)} its partner {_named(light)} and "
        f"{_times(overweight)} its layer's other matrices"
    )
    return Sign(
        Check.PAIR, heavy.weight, min(apart - PAIR_LIMIT, overweight - HEAVY_LIMIT), sentence
    )


def _norms(block: Block, scales: BlockScales, writer: float) -> list[Sign]:
    signs = []
    for (norm, _), gain, readers in zip(block.readers, scales.gains, scales.readers, strict=True):
        over = statistics.fmean(readers) - writer
        small = min(SMALL_GAIN - gain, over - LARGE_READERS)
        large = min(gain - LARGE_GAIN, SMALL_READERS - over)
        sentence = (
            f"the gain {norm.weight} is {_times(gain)} one, and the matrices that read it "
            f"{_times(over)} the writers"
        )
        signs.append(Sign(Check.NORM, norm.weight, max(small, large), sentence))
    return signs


def _last_norm(parts: Parts, scales: Scales, reader: float) -> Sign:
    """A head (the embedding, if tied) that makes up for a last gain that is too small or large."""
    head, gain = parts.head or parts.embedding, scales.last_gain
    over = (scales.embedding if scales.head is None else scales.head) - reader
    small = min(SMALL_LAST_GAIN - gain, over + HEAD_LIMIT)
    large = min(gain - LARGE_LAST_GAIN, HEAD_LIMIT - over)
    sentence = (
        f"the gain {parts.final_norm.weight} is {_times(gain)} one, and {head} "
        f"{_times(over)} the matrices that read the stream"
    )
    return Sign(Check.NORM, parts.final_norm.weight, max(small, large), sentence)


def _named(part: Linear) -> str:
    if part.slots == 1:
        return part.weight
    return f"{part.weight} ({('query', 'key', 'value')[part.slot]})"


def _times(decades: float) -> str:
    return f"{10**decades:.3g} x"
