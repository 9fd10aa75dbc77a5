"""Reading vector files: JSON documents that say which rule was given what and answered what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iotapretrain.errors import VectorError

FORMATS = ("competition-vectors/1", "yuma-vectors/1")
LARGEST_FILE = 256 * 2**20


@dataclass(frozen=True)
class VectorFile:
    """One vector file as read; `kind` says what its cases are."""

    path: Path
    format: str
    kind: str
    document: dict[str, Any]


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """The given files, and every JSON file below the given folders, in order of name."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        below = sorted(path.rglob("*.json"))
        if not below:
            raise VectorError(f"{path}: no vector files (*.json) in this folder")
        yield from below


def read(path: Path) -> VectorFile:
    """Read one vector file or say in one line why it is none."""
    document = _parse(path, _text(path))
    if not isinstance(document, dict) or document.get("format") not in FORMATS:
        raise VectorError(
            f"{path}: not a vector file: its `format` must be one of {', '.join(FORMATS)}"
        )
    kind = document.get("kind")
    if not isinstance(kind, str):
        raise VectorError(f"{path}: `kind` is missing; every vector file names its kind")
    return VectorFile(path, document["format"], kind, document)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise VectorError(f"{path}: larger than {LARGEST_FILE} bytes; no vector file is")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise VectorError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise VectorError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise VectorError(f"{path}: not a vector file: it is not UTF-8 text") from None


def _parse(path: Path, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise VectorError(f"{path}: not a vector file, or a truncated one: {error}") from None


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
