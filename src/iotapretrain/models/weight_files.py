"""Which tensors a model's safetensors files hold, one file or shards with an index, by headers
alone. No weight is loaded; what does not add up is refused before anything is allocated by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from iotapretrain.models.config import parse_json
from iotapretrain.models.open_files import WEIGHTS, OpenFile, OpenFolder
from iotapretrain.models.verdict import Code, Rejection

SINGLE = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
MOST_SHARDS = 128
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
    """One tensor as its file's header describes it; its bytes count from the file's first."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int
    file: OpenFile

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def check_sizes(folder: OpenFolder) -> list[OpenFile]:
    """The files of weights; Rejection if they, or the index, are more than anybody should parse by
    listing and length words alone.

    Each header may be as large as `LARGEST_HEADER`, and so may all of them together.
    """
    shards = [file for file in folder.files if file.path.endswith(WEIGHTS)]
    if len(shards) > MOST_SHARDS:
        problem = f"{len(shards):,} files of weights; at most {MOST_SHARDS} are read"
        raise Rejection(Code.INDEX, problem, shards[MOST_SHARDS].path)
    claimed = 0
    for file in shards:
        claimed += claimed_length(file)
        if claimed > LARGEST_HEADER:
            problem = f"claim more than {LARGEST_HEADER:,} bytes of headers"
            raise Rejection(Code.HEADER, f"the files up to {file.path} {problem}", file.path)
    index = folder.find(INDEX_NAME)
    if index is not None and index.size > LARGEST_HEADER:
        raise _bad_index(f"has {index.size:,} bytes; at most {LARGEST_HEADER:,} are read")
    return shards


def stored_tensors(folder: OpenFolder) -> dict[str, TensorEntry]:
    """Every tensor by name, or Rejection. Exactly the files that loading would use may be there."""
    shards = check_sizes(folder)
    if not shards:
        raise Rejection(Code.NO_WEIGHTS, f"no {SINGLE}, nor shards with an index", SINGLE)
    index = folder.find(INDEX_NAME)
    weight_map = None if index is None else _weight_map(index)
    expected = {SINGLE} if weight_map is None else set(weight_map.values())
    for path in sorted(expected ^ {file.path for file in shards}):
        problem = "is missing" if path in expected else "belongs to no index"
        raise Rejection(Code.INDEX, f"{path} {problem}", path)
    tensors: dict[str, TensorEntry] = {}
    for file in shards:
        for entry in read_header(file):
            if entry.name in tensors:
                raise Rejection(Code.INDEX, f"{entry.name} lies in two files", entry.name)
            tensors[entry.name] = entry
    if weight_map is not None:
        _check_index(weight_map, tensors)
    return tensors


def _weight_map(index: OpenFile) -> dict[str, str]:
    try:
        mapping = parse_json(index.read(0, index.size)).get("weight_map")
    except ValueError as error:
        raise _bad_index(str(error)) from error
    if not isinstance(mapping, dict) or not all(_is_shard(name) for name in mapping.values()):
        raise _bad_index("has no weight_map from tensors to *.safetensors beside it")
    return mapping


def _is_shard(name: Any) -> bool:
    return isinstance(name, str) and name.endswith(WEIGHTS) and PurePosixPath(name).name == name


def _check_index(weight_map: dict[str, str], tensors: dict[str, TensorEntry]) -> None:
    found = {name: entry.file.path for name, entry in tensors.items()}
    for name in sorted(weight_map.keys() | found.keys()):
        if weight_map.get(name) != found.get(name):
            there, given = found.get(name, "no file"), weight_map.get(name, "no file")
            raise Rejection(Code.INDEX, f"{name} lies in {there}; the index says {given}", name)


def _bad_index(problem: str) -> Rejection:
    return Rejection(Code.INDEX, f"{INDEX_NAME} {problem}", INDEX_NAME)


def read_header(file: OpenFile) -> tuple[TensorEntry, ...]:
    """All tensors in the order of their bytes, or Rejection. Reads the header and nothing else."""
    text = file.read(LENGTH_BYTES, claimed_length(file))
    position = LENGTH_BYTES + len(text)
    try:
        entries = [_entry(name, given, file, position) for name, given in _mapping(text).items()]
        tensors = tuple(sorted(entries, key=lambda entry: (entry.start, entry.end)))
        _check_ranges(tensors, position, file.size)
    except ValueError as error:
        raise _bad_header(file, str(error)) from error
    return tensors


def claimed_length(file: OpenFile) -> int:
    """Bytes of the header by the file's first word, or Rejection; nothing else is read."""
    if file.size < LENGTH_BYTES:
        raise _bad_header(file, f"has {file.size} bytes, too few for any safetensors file")
    length = int.from_bytes(file.read(0, LENGTH_BYTES), "little")
    if length > LARGEST_HEADER:
        raise _bad_header(file, f"claims a header of {length:,} bytes; most: {LARGEST_HEADER:,}")
    if length > file.size - LENGTH_BYTES:
        raise _bad_header(file, f"claims a header of {length:,} bytes in a file of {file.size:,}")
    return length


def _bad_header(file: OpenFile, problem: str) -> Rejection:
    return Rejection(Code.HEADER, f"{file.path}: {problem}", file.path)


def _mapping(text: bytes | bytearray) -> dict[str, Any]:
    try:
        document = parse_json(text)
    except ValueError as error:
        raise ValueError(f"its header {error}") from error
    document.pop("__metadata__", None)
    if not document:
        raise ValueError("holds no tensor")
    if len(document) > MOST_TENSORS:
        raise ValueError(f"holds {len(document):,} tensors; most: {MOST_TENSORS:,}")
    return document


def _entry(name: str, described: Any, file: OpenFile, position: int) -> TensorEntry:
    """The tensor, if its bytes count from this position of the file."""
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
    start, end = (position + offset for offset in offsets)
    entry = TensorEntry(name, dtype, tuple(shape), start, end, file)
    needed = entry.elements * BYTES[dtype]
    if needed != end - start:
        raise ValueError(
            f"gives {name!r} {end - start:,} bytes; {dtype} of shape {shape} takes {needed:,}"
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
