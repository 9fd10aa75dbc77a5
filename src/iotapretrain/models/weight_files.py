"""Which tensors a model's files hold, one file or shards with an index, by their headers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from iotapretrain.models.config import parse_json
from iotapretrain.models.header import LARGEST_HEADER, TensorEntry, claimed_length, read_header
from iotapretrain.models.open_files import WEIGHTS, OpenFile, OpenFolder
from iotapretrain.models.verdict import Code, Rejection

SINGLE = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
MOST_SHARDS = 128


@dataclass(frozen=True)
class Stored:
    """A tensor, and the file that it lies in."""

    entry: TensorEntry
    file: OpenFile


def check_sizes(folder: OpenFolder) -> None:
    """Refuse more than anybody should parse, by listing and length words alone, or Rejection.

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


def stored_tensors(folder: OpenFolder) -> dict[str, Stored]:
    """Every tensor by name, or Rejection. Exactly the files that loading would use may be there."""
    check_sizes(folder)
    shards = [file for file in folder.files if file.path.endswith(WEIGHTS)]
    if not shards:
        raise Rejection(Code.NO_WEIGHTS, f"no {SINGLE}, nor shards with an index", SINGLE)
    index = folder.find(INDEX_NAME)
    weight_map = None if index is None else _weight_map(index)
    expected = {SINGLE} if weight_map is None else set(weight_map.values())
    for path in sorted(expected ^ {file.path for file in shards}):
        problem = "is missing" if path in expected else "belongs to no index"
        raise Rejection(Code.INDEX, f"{path} {problem}", path)
    tensors: dict[str, Stored] = {}
    for file in shards:
        for entry in read_header(file):
            if entry.name in tensors:
                raise Rejection(Code.INDEX, f"{entry.name} lies in two files", entry.name)
            tensors[entry.name] = Stored(entry, file)
    if weight_map is not None:
        _check_index(weight_map, tensors)
    return tensors


def _weight_map(index: OpenFile) -> dict[str, str]:
    try:
        document = parse_json(index.read(0, index.size))
    except ValueError as error:
        raise _bad_index(f"is not JSON: {error}") from error
    mapping = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(mapping, dict) or not all(_is_shard(name) for name in mapping.values()):
        raise _bad_index("has no weight_map from tensors to *.safetensors beside it")
    return mapping


def _is_shard(name: Any) -> bool:
    return isinstance(name, str) and name.endswith(WEIGHTS) and PurePosixPath(name).name == name


def _check_index(weight_map: dict[str, str], tensors: dict[str, Stored]) -> None:
    found = {name: stored.file.path for name, stored in tensors.items()}
    for name in sorted(weight_map.keys() | found.keys()):
        if weight_map.get(name) != found.get(name):
            there, given = found.get(name, "no file"), weight_map.get(name, "no file")
            raise Rejection(Code.INDEX, f"{name} lies in {there}; the index says {given}", name)


def _bad_index(problem: str) -> Rejection:
    return Rejection(Code.INDEX, f"{INDEX_NAME} {problem}", INDEX_NAME)
