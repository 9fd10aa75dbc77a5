"""Running vector files against our rules: every case is judged, none is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from iotapretrain.conformance import round_vectors, submission_vectors, vectors, yuma_vectors
from iotapretrain.conformance.compare import CaseResult, matches
from iotapretrain.conformance.vectors import VectorFile
from iotapretrain.errors import InputError, VectorError

Function = Callable[[dict[str, Any]], Any]
Judge = Callable[[dict[str, Any]], Iterator[CaseResult]]

_FUNCTIONS: Mapping[str, Mapping[str, Function]] = {
    "competition-vectors/1": {**round_vectors.FUNCTIONS, **submission_vectors.FUNCTIONS},
    "yuma-vectors/1": yuma_vectors.FUNCTIONS,
}
_FUNCTION_KINDS = {
    "competition-vectors/1": ("rules", "required", "compatibility"),
    "yuma-vectors/1": ("unit", "rules"),
}
_REAL_TOLERANCE = {"competition-vectors/1": 0.0, "yuma-vectors/1": 1e-9}
"""What a format allows every real number on top of the tolerance that a case states."""

_WHOLE_FILES: Mapping[tuple[str, str], Judge] = {
    ("yuma-vectors/1", "epoch"): yuma_vectors.epoch_cases,
    ("yuma-vectors/1", "property"): yuma_vectors.property_cases,
}


def run(paths: Iterable[Path]) -> Iterator[tuple[Path, CaseResult]]:
    """Every case of every file below the paths; all files are read before any is run."""
    for file in [vectors.read(path) for path in vectors.find(paths)]:
        for result in cases(file):
            yield file.path, result


def cases(file: VectorFile) -> Iterator[CaseResult]:
    """The judged cases of one file. A kind or function that we do not know fails, case by case."""
    judge = _WHOLE_FILES.get((file.format, file.kind))
    try:
        if judge is not None:
            yield from judge(file.document)
        elif file.kind in _FUNCTION_KINDS[file.format]:
            yield from _function_cases(file)
        else:
            yield CaseResult(file.kind, False, "a kind that we know", f"unknown kind {file.kind!r}")
    except VectorError as error:
        raise VectorError(f"{file.path}: {error}") from error


def _function_cases(file: VectorFile) -> Iterator[CaseResult]:
    name = file.document.get("function")
    listed = file.document.get("cases")
    if not isinstance(name, str) or not isinstance(listed, list):
        raise VectorError("`function` (a word) and `cases` (a list) are required in this kind")
    function = _FUNCTIONS[file.format].get(name)
    for index, case in enumerate(listed):
        label = (case.get("name") if isinstance(case, dict) else None) or f"{name}[{index}]"
        if function is None:
            yield CaseResult(label, False, "a function that we know", f"unknown function {name!r}")
        else:
            yield _judge(label, function, case, _REAL_TOLERANCE[file.format])


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
