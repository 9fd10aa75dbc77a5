"""Scales that an honest model's tensors keep to each other, in decimal logarithms of root mean
squares.

One odd tensor is a habit; all tensors of one rescaling odd in its direction, by the same factor, is
the rescaling itself. So every check asks for all of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping

import torch

from iotapretrain.models.trainable.parts import Block, Linear, Norm, Parts, State
from iotapretrain.models.verdict import ProbeCheck, Sign

FLOOR = -38.0
"""The scale of a tensor of zeros: the smallest that float32 holds."""

PAIR_LIMIT = 0.8
"""Decades between the halves of a product. Scaled initialisation of 20 layers begins 0.8 apart, 3
layers 0.4.
"""
HEAVY_LIMIT = 0.2
"""Decades of the heavier half over the layer's other readers; honest ones are 0.1 at most."""

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


Sizes = Mapping[Linear | Norm | str, float]
"""Scales by part: of matrices, of norms' gains, and of embedding and head by their names."""


def _sizes(parts: Parts, state: State) -> Sizes:
    tables = [parts.embedding] if parts.head is None else [parts.embedding, parts.head]
    linears = [part for block in parts.blocks for part in (*_readers(block), *block.writers)]
    return {
        **{name: scale(state[name]) for name in tables},
        **{norm: scale(state[norm.weight]) for norm in parts.norms},
        **{part: scale(part.matrix(state)) for part in linears},
    }


def _readers(block: Block) -> list[Linear]:
    return [part for _, group in block.readers for part in group]


def scale_signs(parts: Parts, state: State) -> Iterator[Sign]:
    """One sign for every product, one for every norm, and one for the stream.

    A gain that was found rescaled is first put back into its readers: else the stream would stand
    out against them.
    """
    sizes = _sizes(parts, state)
    blocks = parts.blocks
    reader = statistics.median(sizes[part] for block in blocks for part in _readers(block))
    output = statistics.median(sizes[block.output] for block in blocks)
    down = statistics.median(sizes[block.down] for block in blocks)
    effective: list[float] = []
    for block in blocks:
        yield from _pairs(block, sizes)
        for norm, group in block.readers:
            yield (sign := _norm(norm, group, sizes, (output + down) / 2))
            effective += [sizes[part] + sizes[norm] * sign.suspicious for part in group]
        yield from _light(block, sizes, reader)
    reader = statistics.median(effective)
    yield _last_norm(parts, sizes, reader)
    yield _stream(parts, sizes, output - reader, down - reader, reader)


def _stream(parts: Parts, sizes: Sizes, output: float, down: float, reader: float) -> Sign:
    """The least common shift that brings all that is written back into its bands, if one does."""
    table = sizes[parts.embedding] - reader
    banded = [(table, EMBEDDING_BAND), (output, WRITER_BAND), (down, WRITER_BAND)]
    if parts.head is None:
        banded.append((-sizes[parts.final_norm], GAIN_BAND))
    least = max(value - high for value, (_, high) in banded)
    most = min(value - low for value, (low, _) in banded)
    shift = 0.0 if least > most else max(least, min(most, 0.0))
    excess = abs(shift) - STREAM_LIMIT
    if shift < 0 and parts.head is not None:
        excess = min(excess, _scaled_down(sizes[parts.embedding], table, max(output, down)))
    sentence = (
        f"all that is written to the residual stream ({parts.embedding} and every layer's writers) "
        f"is {_times(shift)} what fits the matrices that read it"
    )
    return Sign(ProbeCheck.STREAM, parts.embedding, excess, sentence)


def _scaled_down(embedding: float, table: float, writers: float) -> float:
    """What tells a stream scaled down from a habit: a small table, and writers that began at
    zero, under large readers.

    Either the table is smaller than any honest one, or it is no smaller than its readers though
    the writers are.
    """
    low, high = USUAL_TABLE
    return max(SMALL_TABLE - embedding, min(table - low, high - table, WEAK_WRITERS - writers))


def _light(block: Block, sizes: Sizes, reader: float) -> Iterator[Sign]:
    """Matrices too light to pass gradients on: what they feed has nothing to learn from."""
    _, (_, entries) = block.readers
    for part in (block.value, *entries):
        over = sizes[part] - reader
        sentence = (
            f"{_named(part)} is {_times(over)} the median of the matrices that read the stream"
        )
        yield Sign(ProbeCheck.MATRIX, part.weight, LIGHT_LIMIT - over, sentence)


def _pairs(block: Block, sizes: Sizes) -> Iterator[Sign]:
    query, key, value, entry = block.query, block.key, block.value, block.gate or block.up
    _, (_, entries) = block.readers
    beside_up = value if block.gate is None else entry
    yield _pair(block.value, block.output, (query, key, entry), sizes)
    yield _pair(block.query, block.key, (value, *entries), sizes)
    yield _pair(block.up, block.down, (query, key, beside_up), sizes)


def _pair(first: Linear, second: Linear, peers: Iterable[Linear], sizes: Sizes) -> Sign:
    """Both must hold: the halves lie far apart, and the heavier is heavy for its layer."""
    heavy, light = (first, second) if sizes[first] >= sizes[second] else (second, first)
    apart = sizes[heavy] - sizes[light]
    overweight = sizes[heavy] - statistics.median(sizes[peer] for peer in peers)
    sentence = (
        f"{_named(heavy)} is {_times(apart)} its partner {_named(light)} and "
        f"{_times(overweight)} its layer's other matrices"
    )
    excess = min(apart - PAIR_LIMIT, overweight - HEAVY_LIMIT)
    return Sign(ProbeCheck.PAIR, heavy.weight, excess, sentence)


def _norm(norm: Norm, readers: Iterable[Linear], sizes: Sizes, writer: float) -> Sign:
    gain, over = sizes[norm], statistics.fmean(sizes[part] for part in readers) - writer
    small = min(SMALL_GAIN - gain, over - LARGE_READERS)
    large = min(gain - LARGE_GAIN, SMALL_READERS - over)
    sentence = (
        f"the gain {norm.weight} is {_times(gain)} one, and the matrices that read it "
        f"{_times(over)} the writers"
    )
    return Sign(ProbeCheck.NORM, norm.weight, max(small, large), sentence)


def _last_norm(parts: Parts, sizes: Sizes, reader: float) -> Sign:
    """A head (the embedding, if tied) that makes up for a last gain that is too small or large."""
    norm, head = parts.final_norm, parts.head or parts.embedding
    gain, over = sizes[norm], sizes[head] - reader
    small = min(SMALL_LAST_GAIN - gain, over + HEAD_LIMIT)
    large = min(gain - LARGE_LAST_GAIN, HEAD_LIMIT - over)
    sentence = (
        f"the gain {norm.weight} is {_times(gain)} one, and {head} "
        f"{_times(over)} the matrices that read the stream"
    )
    return Sign(ProbeCheck.NORM, norm.weight, max(small, large), sentence)


def _named(part: Linear) -> str:
    if part.slots == 1:
        return part.weight
    return f"{part.weight} ({('query', 'key', 'value')[part.slot]})"


def _times(decades: float) -> str:
    return f"{10**decades:.3g} x"
