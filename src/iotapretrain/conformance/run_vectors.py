"""Vector files: found, read, and run against our rules; every case is judged, none is skipped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from iotapretrain.conformance import round_vectors, submission_vectors, yuma_rules, yuma_units
from iotapretrain.conformance.compare import CaseResult, Function, matches
from iotapretrain.conformance.epoch_vectors import epoch_cases
from iotapretrain.conformance.majority import property_cases
from iotapretrain.errors import InputError, VectorError

Judge = Callable[[dict[str, Any]], Iterator[CaseResult]]

LARGEST_FILE = 256 * 2**20

FUNCTIONS: Mapping[str, Mapping[str, Function]] = {
    "competition-vectors/1": {**round_vectors.FUNCTIONS, **submission_vectors.FUNCTIONS},
    "yuma-vectors/1": {**yuma_units.FUNCTIONS, **yuma_rules.FUNCTIONS},
}
"""By format and name, the rule of ours that answers."""
_REAL_TOLERANCE = {"competition-vectors/1": 0.0, "yuma-vectors/1": 1e-9}
"""What a format allows every real number on top of the tolerance that a case states."""


def run(paths: Iterable[Path]) -> Iterator[tuple[Path, CaseResult]]:
    """Every case of every file below the paths; all files are read before any is run."""
    for path, document in [(path, read(path)) for path in find(paths)]:
        try:
            for result in cases(document):
                yield path, result
        except VectorError as error:
            raise VectorError(f"{path}: {error}") from error


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


def read(path: Path) -> dict[str, Any]:
    """Read one vector file or say in one line why it is none."""
    document = _parsed(path)
    if not isinstance(document, dict) or document.get("format") not in FUNCTIONS:
        raise VectorError(
            f"{path}: not a vector file: its `format` must be one of {', '.join(FUNCTIONS)}"
        )
    if not isinstance(document.get("kind"), str):
        raise VectorError(f"{path}: `kind` is missing; every vector file names its kind")
    return document


def cases(document: dict[str, Any]) -> Iterator[CaseResult]:
    """The judged cases of one file. A kind or function that we do not know fails, case by case."""
    kind = document["kind"]
    judge = _KINDS[document["format"]].get(kind)
    if judge is None:
        yield CaseResult(kind, False, "a kind that we know", f"unknown kind {kind!r}")
    else:
        yield from judge(document)


def _function_cases(document: dict[str, Any]) -> Iterator[CaseResult]:
    name, listed = document.get("function"), document.get("cases")
    if not isinstance(name, str) or not isinstance(listed, list):
        raise VectorError("`function` (a word) and `cases` (a list) are required in this kind")
    function = FUNCTIONS[document["format"]].get(name)
    for index, case in enumerate(listed):
        label = (case.get("name") if isinstance(case, dict) else None) or f"{name}[{index}]"
        if function is None:
            yield CaseResult(label, False, "a function that we know", f"unknown function {name!r}")
        else:
            yield _judge(label, function, case, _REAL_TOLERANCE[document["format"]])


_KINDS: Mapping[str, Mapping[str, Judge]] = {
    "competition-vectors/1": dict.fromkeys(("rules", "required", "compatibility"), _function_cases),
    "yuma-vectors/1": {
        **dict.fromkeys(("unit", "rules"), _function_cases),
        "epoch": epoch_cases,
        "property": property_cases,
    },
}
"""By format and kind, what judges a whole file."""


def _judge(name: str, function: Function, case: Any, slack: float) -> CaseResult:
    if not isinstance(case, dict) or not isinstance(case.get("args"), dict) or "expect" not in case:
        raise VectorError(f"case {name}: `args` (a mapping) and `expect` are required")
    expected, tolerance = case["expect"], case.get("tol", 0.0) + slack
    try:
        got = function(case["args"])
    except InputError as error:
        return CaseResult(name, expected == "error", expected, f"error: {error}")
    except Exception as error:  # noqa: BLE001 -- whatever a rule raises on a case is that case's failure
        return CaseResult(name, False, expected, f"{type(error).__name__}: {error}")
    return CaseResult(name, matches(expected, got, tolerance), expected, got)


def _parsed(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise VectorError(f"{path}: larger than {LARGEST_FILE} bytes; no vector file is")
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise VectorError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise VectorError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise VectorError(f"{path}: not a vector file: it is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise VectorError(f"{path}: not a vector file, or a truncated one: {error}") from None


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
