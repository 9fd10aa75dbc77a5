"""The header of a safetensors file, read without loading a weight or trusting a word of it.

A file is 8 bytes of length (little-endian), that many bytes of JSON, and then the tensors, back to
back. The JSON maps each tensor's name to its dtype, shape and byte range. Whatever does not add up
is refused before anything is allocated by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from iotapretrain.models.config import parse_json
from iotapretrain.models.open_files import OpenFile
from iotapretrain.models.verdict import Code, Rejection

LENGTH_BYTES = 8
LARGEST_HEADER = 16 * 2**20
"""A 14B model has a header of under 100 KB; a larger claim is an attack on our memory."""
MOST_TENSORS = 100_000
MOST_DIMENSIONS = 8
LARGEST_SIZE = 2**48
LONGEST_NAME = 256

BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2,
    "BF16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
"""Bytes of an element, by dtype."""


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as the header describes it; `start` and `end` count from the file's first byte."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read_header(file: OpenFile) -> tuple[TensorEntry, ...]:
    """All tensors in the order of their bytes, or Rejection. Reads the header and nothing else."""
    try:
        text = _header_text(file)
        entries = [_entry(name, described) for name, described in _mapping(text).items()]
        tensors = tuple(sorted(entries, key=lambda entry: (entry.start, entry.end)))
        position = LENGTH_BYTES + len(text)
        tensors = tuple(
            replace(entry, start=entry.start + position, end=entry.end + position)
            for entry in tensors
        )
        _check_ranges(tensors, position, file.size)
    except ValueError as error:
        raise Rejection(Code.HEADER, f"{file.path}: {error}", file.path) from error
    return tensors


def claimed_length(file: OpenFile) -> int:
    """Bytes of the header by the file's first word, or Rejection; nothing else is read."""
    try:
        return _header_length(file)
    except ValueError as error:
        raise Rejection(Code.HEADER, f"{file.path}: {error}", file.path) from error


def _header_length(file: OpenFile) -> int:
    if file.size < LENGTH_BYTES:
        raise ValueError(f"has {file.size} bytes, too few for any safetensors file")
    length = int.from_bytes(file.read(0, LENGTH_BYTES), "little")
    if length > LARGEST_HEADER:
        raise ValueError(f"claims a header of {length:,} bytes; most: {LARGEST_HEADER:,}")
    if length > file.size - LENGTH_BYTES:
        raise ValueError(f"claims a header of {length:,} bytes in a file of {file.size:,}")
    return length


def _header_text(file: OpenFile) -> bytearray:
    return file.read(LENGTH_BYTES, _header_length(file))


def _mapping(text: bytes | bytearray) -> dict[str, Any]:
    try:
        document = parse_json(text)
    except ValueError as error:
        raise ValueError(f"its header is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("its header is not a mapping of tensors")
    document.pop("__metadata__", None)
    if not document:
        raise ValueError("holds no tensor")
    if len(document) > MOST_TENSORS:
        raise ValueError(f"holds {len(document):,} tensors; most: {MOST_TENSORS:,}")
    return document


def _entry(name: str, described: Any) -> TensorEntry:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"names a tensor {name[:LONGEST_NAME]!r}")
    if not isinstance(described, dict) or set(described) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"describes {name!r} by other things than dtype, shape and data_offsets")
    dtype, shape, offsets = described["dtype"], described["shape"], described["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BYTES:
        raise ValueError(f"gives {name!r} an unknown dtype")
    if not _naturals(shape) or len(shape) > MOST_DIMENSIONS:
        raise ValueError(
            f"gives {name!r} a shape that is no list of {MOST_DIMENSIONS} sizes or fewer"
        )
    if not _naturals(offsets) or len(offsets) != 2:
        raise ValueError(f"gives {name!r} data_offsets that are no pair of positions")
    entry = TensorEntry(name, dtype, tuple(shape), *offsets)
    if entry.elements * BYTES[dtype] != entry.end - entry.start:
        raise ValueError(
            f"gives {name!r} {entry.end - entry.start:,} bytes; {dtype} of shape {shape} takes"
            f" {entry.elements * BYTES[dtype]:,}"
        )
    return entry


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= LARGEST_SIZE for value in values
    )


def _check_ranges(tensors: tuple[TensorEntry, ...], position: int, size: int) -> None:
    """Back to back to the end of the file: no gap, no overlap, nothing behind."""
    for entry in tensors:
        if entry.start != position:
            raise ValueError(
                f"puts {entry.name!r} at byte {entry.start:,}, where {position:,} is next"
            )
        position = entry.end
    if position != size:
        raise ValueError(f"describes {position:,} bytes and has {size:,}")
