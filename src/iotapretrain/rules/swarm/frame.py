"""A frame: what one stage sends another for one sample, as bytes.

    header, 132 bytes | token ids, where the boundary needs them | rows as the wire packs them

Numbers are little-endian. The run's file fixes every length: a receiver knows the only size that
a frame may have before it reads one byte of it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from blake3 import blake3

from iotapretrain.errors import FrameError

VERSION = 1
WIRES = ("float32", "bfloat16", "int8")
"""Their places are their numbers in a header."""
SHORT_IDS = 2**16
"""Vocabularies up to this size have token ids of two bytes, larger ones of four."""
_HEADER = struct.Struct("<BBBBIII16s32s64s4x")
HEADER_BYTES = _HEADER.size


class Direction(IntEnum):
    """Activations go forward, gradients backward."""

    FORWARD = 0
    BACKWARD = 1


@dataclass(frozen=True)
class FrameShape:
    """What the run's file says of a frame: how many rows, positions and numbers, and their code."""

    rows: int
    positions: int
    width: int
    wire: str
    id_bytes: int = 0
    """Of each token, 0 where none travel; never with gradients."""

    @property
    def row_bytes(self) -> int:
        """What a position's numbers take; a row of int8 has its scale behind it."""
        sizes = {"float32": 4 * self.width, "bfloat16": 2 * self.width, "int8": self.width + 2}
        return sizes[self.wire]

    def ids_bytes(self, direction: Direction) -> int:
        """What the token ids of a frame take."""
        return self.rows * self.positions * self.id_bytes * (direction is Direction.FORWARD)

    def frame_bytes(self, direction: Direction) -> int:
        """What a whole frame takes."""
        payload = self.rows * self.positions * self.row_bytes
        return HEADER_BYTES + self.ids_bytes(direction) + payload

    def token_bytes(self) -> float:
        """What a token takes, there and back, headers shared out."""
        both = sum(self.frame_bytes(each) for each in Direction)
        return both / (self.rows * self.positions)


@dataclass(frozen=True)
class Frame:
    """One hop of one sample."""

    direction: Direction
    stage: int
    """Of the sender."""
    sample: bytes
    ids: bytes
    payload: bytes
    signature: bytes = bytes(64)

    def signed_bytes(self, shape: FrameShape) -> bytes:
        """What a sender signs: the header without the signature."""
        return self._header(shape)[:-68]

    def to_bytes(self, shape: FrameShape) -> bytes:
        """As it travels."""
        return self._header(shape) + self.ids + self.payload

    def _header(self, shape: FrameShape) -> bytes:
        return _HEADER.pack(
            VERSION,
            self.direction,
            self.stage,
            WIRES.index(shape.wire),
            *(shape.rows, shape.positions, shape.width),
            self.sample,
            blake3(self.ids + self.payload).digest(),
            self.signature,
        )


def id_bytes_of(vocabulary: int) -> int:
    """What a token id takes."""
    return 2 if vocabulary <= SHORT_IDS else 4


def check_size(size: int, shape: FrameShape, direction: Direction, sender: str) -> None:
    """Refuse a frame by its length alone, before it is read."""
    expected = shape.frame_bytes(direction)
    if size != expected:
        raise FrameError(sender, f"{size:,} bytes {direction.name.lower()}, not {expected:,}")


def read_frame(content: bytes, shape: FrameShape, stage: int, sender: str) -> Frame:
    """The frame that `stage` sent; FrameError if it is not what the run's file says."""
    if len(content) < HEADER_BYTES:
        raise FrameError(sender, f"{len(content)} bytes, less than a header's {HEADER_BYTES}")
    fields = _HEADER.unpack_from(content)
    version, way, hop, wire, rows, positions, width, sample, digest, signature = fields
    if version != VERSION:
        raise FrameError(sender, f"version {version}, not {VERSION}")
    if way not in list(Direction):
        raise FrameError(sender, f"direction {way}, not 0 or 1")
    said = (rows, positions, width, WIRES[wire] if wire < len(WIRES) else wire)
    if said != (shape.rows, shape.positions, shape.width, shape.wire):
        expected = (shape.rows, shape.positions, shape.width, shape.wire)
        raise FrameError(sender, f"rows, positions, width and wire {said}, not {expected}")
    if hop != stage:
        raise FrameError(sender, f"says it is stage {hop}, and is stage {stage}")
    direction = Direction(way)
    check_size(len(content), shape, direction, sender)
    if blake3(content[HEADER_BYTES:]).digest() != digest:
        raise FrameError(sender, "the payload is not what its digest says")
    end = HEADER_BYTES + shape.ids_bytes(direction)
    return Frame(direction, hop, sample, content[HEADER_BYTES:end], content[end:], signature)
