"""The header of a safetensors file, read without loading a weight and without trusting a word of it.

A file is 8 bytes of length (little-endian), that many bytes of JSON, and then the tensors, back to back. The JSON maps each
tensor's name to its dtype, shape and byte range. Whatever does not add up is refused, before anything is allocated by it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

LENGTH_BYTES = 8
LARGEST_HEADER = 16 * 2**20
"""A 14B model has a header of under 100 KB; a larger claim is an attack on our memory."""
MOST_DIMENSIONS = 8

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip


class HeaderFault(Exception):  # noqa: N818 -- never leaves this room: inspection turns it into a finding
    """The header lies or is cut off; says where."""


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as the header describes it; `start` and `end` count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """All tensors of a file, in the order of their bytes, which begin at `data_start`."""

    tensors: tuple[TensorEntry, ...]
    data_start: int


def read_header(path: Path) -> Header:
    """The header of the file, or HeaderFault. Reads the header's bytes and the file's size, nothing else."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            text = _header_text(file, size)
    except OSError as error:
        raise HeaderFault(f"cannot be read: {error.strerror}") from error
    tensors = _entries(_mapping(text))
    start = LENGTH_BYTES + len(text)
    _check_ranges(tensors, size - start)
    return Header(tensors, start)


def _header_text(file: BinaryIO, size: int) -> bytes:
    if size < LENGTH_BYTES:
        raise HeaderFault(f"has {size} bytes, too few for any safetensors file")
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if length > LARGEST_HEADER:
        raise HeaderFault(f"claims a header of {length} bytes; at most {LARGEST_HEADER} are read")
    if length > size - LENGTH_BYTES:
        raise HeaderFault(f"claims a header of {length} bytes in a file of {size}")
    return file.read(length)


def _mapping(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise HeaderFault(f"has a header that is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise HeaderFault("has a header that is not a mapping of tensors")
    document.pop("__metadata__", None)
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a name occurs twice")
    return mapping


def _entries(document: dict[str, Any]) -> tuple[TensorEntry, ...]:
    entries = [_entry(name, described) for name, described in document.items()]
    return tuple(sorted(entries, key=lambda entry: (entry.start, entry.end)))


def _entry(name: str, described: Any) -> TensorEntry:
    if not isinstance(described, dict) or set(described) != {"dtype", "shape", "data_offsets"}:
        raise HeaderFault(f"describes {name!r} by other things than dtype, shape and data_offsets")
    dtype, shape, offsets = described["dtype"], described["shape"], described["data_offsets"]
    if dtype not in BITS:
        raise HeaderFault(f"gives {name!r} the unknown dtype {dtype!r}")
    if not _naturals(shape) or len(shape) > MOST_DIMENSIONS:
        raise HeaderFault(f"gives {name!r} a shape that is no list of at most {MOST_DIMENSIONS} sizes")
    if not _naturals(offsets) or len(offsets) != 2:
        raise HeaderFault(f"gives {name!r} data_offsets that are no pair of positions")
    entry = TensorEntry(name, dtype, tuple(shape), *offsets)
    if entry.elements * BITS[dtype] != (entry.end - entry.start) * 8:
        raise HeaderFault(f"gives {name!r} {entry.end - entry.start} bytes, not what {dtype} of shape {shape} takes")
    return entry


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _check_ranges(tensors: tuple[TensorEntry, ...], available: int) -> None:
    """Back to back from 0 to the end of the file: no gap, no overlap, nothing behind."""
    position = 0
    for entry in tensors:
        if entry.start != position:
            raise HeaderFault(f"puts {entry.name!r} at byte {entry.start}, where {position} is next")
        position = entry.end
    if position != available:
        raise HeaderFault(f"describes {position} bytes of tensors where {available} follow the header")
