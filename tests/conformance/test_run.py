"""The runner must be able to say no: unknown things fail, broken files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.conformance.run_vectors import read, run
from iotapretrain.errors import VectorError

VECTORS = Path(__file__).parent / "vectors"
NORMALISE = VECTORS / "competition" / "normalise.json"


def write(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "file.json"
    path.write_text(json.dumps(document))
    return path


def normalise() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(NORMALISE.read_text())
    return document


def test_every_shipped_file_is_judged_and_passes() -> None:
    results = list(run([VECTORS]))
    assert {path for path, _ in results} == set(VECTORS.rglob("*.json"))
    assert not [(path.name, result) for path, result in results if not result.passed]


def test_a_wrong_expectation_fails(tmp_path: Path) -> None:
    document = normalise()
    document["cases"] = [document["cases"][0] | {"expect": 0.123}]
    [(_, result)] = run([write(tmp_path, document)])
    assert not result.passed
    assert result.expected == 0.123


def test_a_refusal_that_was_not_expected_fails(tmp_path: Path) -> None:
    document = normalise()
    document["cases"] = [{"args": {"score": 1.0, "method": "cubic"}, "expect": 1.0}]
    [(_, result)] = run([write(tmp_path, document)])
    assert not result.passed
    assert "error" in result.got


def test_an_unknown_function_fails_in_every_case(tmp_path: Path) -> None:
    document = normalise() | {"function": "divination"}
    results = [result for _, result in run([write(tmp_path, document)])]
    assert len(results) == len(document["cases"])
    assert not any(result.passed for result in results)


def test_an_unknown_kind_fails(tmp_path: Path) -> None:
    [(_, result)] = run([write(tmp_path, normalise() | {"kind": "prophecy"})])
    assert not result.passed


def test_a_case_that_our_rule_cannot_take_fails(tmp_path: Path) -> None:
    document = normalise()
    document["cases"] = [{"args": {"score": [1.0], "method": "none"}, "expect": 1.0}]
    [(_, result)] = run([write(tmp_path, document)])
    assert not result.passed


@pytest.mark.parametrize(
    "change",
    [
        {"format": "competition-vectors/9"},
        {"kind": None},
        {"cases": "none"},
        {"function": 3},
        {"cases": [3]},
    ],
)
def test_a_file_without_the_schema_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(VectorError, match=r"file\.json"):
        list(run([write(tmp_path, normalise() | change)]))


def test_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_bytes(NORMALISE.read_bytes()[:-100])
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    for path in (cut, binary, deep, tmp_path / "absent.json"):
        with pytest.raises(VectorError, match=path.name):
            read(path)


def test_a_folder_without_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="no vector files"):
        list(run([tmp_path]))
