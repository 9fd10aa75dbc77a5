"""The adapter from vector files to the rules around a submission."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.conformance.compare import matches
from iotapretrain.conformance.submission_vectors import FUNCTIONS
from iotapretrain.errors import InputError

VECTORS = Path(__file__).parent / "vectors" / "competition"
CASES = [
    pytest.param(name, case, id=case["name"])
    for name in FUNCTIONS
    for case in json.loads((VECTORS / f"{name}.json").read_text())["cases"]
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_vectors(name: str, case: dict[str, Any]) -> None:
    if case["expect"] == "error":
        with pytest.raises(InputError):
            FUNCTIONS[name](case["args"])
    else:
        got = FUNCTIONS[name](case["args"])
        assert matches(case["expect"], got, case.get("tol", 0.0)), got


STEPS = [[0, [[0, 1.0]]], [100, [[1, 0.5], [2, 0.5]]]]
SIGHTING = {
    "schedule": STEPS,
    "competition": 1,
    "committed": True,
    "upload_block": 100,
    "current_block": 400,
    "delay": 250,
    "tracked": False,
    "force": False,
    "own_hotkey": True,
}
EMPTY_DOCUMENT = {"documents": [[]], "end_token": 0, "sequence_length": 1, "batch_size": 1}
UNSCORED = {
    "func": {"type": "fixed", "epsilon": 0.1},
    "current_block": 9,
    "history": [
        {"block": 1, "score": None, "winning_model_block": 1, "winning_model_score": 1.0},
    ],
}


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("sync_outcome", SIGHTING, "fetched"),
        ("sync_outcome", SIGHTING | {"own_hotkey": False}, "bad_hash"),
        ("sync_outcome", SIGHTING | {"tracked": True}, "unchanged"),
        ("sync_outcome", SIGHTING | {"tracked": True, "force": True}, "fetched"),
        ("sync_outcome", SIGHTING | {"competition": 9, "current_block": 100}, "misconfigured"),
        ("schedule", {"schedule": STEPS, "block": 99, "competition": 2}, {"competition": None}),
        ("uid_cycle", {"uids": [], "start": 0, "ops": [{"set": [3]}, {"next": 2}]}, [[3, 3]]),
        ("retry_failures", {"history": []}, True),
        ("retry_failures", {"history": ["inadmissible"]}, False),
        ("retry_failures", {"history": ["crash", "time_limit"]}, False),
        ("pack", EMPTY_DOCUMENT | {"packed": True}, [[[0]]]),
        ("pack", EMPTY_DOCUMENT | {"packed": False}, []),
        ("should_retry", UNSCORED, True),
        ("version_order", {"first": "4.6.2", "second": "4.5.12"}, 1),
    ],
)
def test_cases_that_no_file_holds(name: str, args: dict[str, Any], expected: Any) -> None:
    assert matches(expected, FUNCTIONS[name](args))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("uid_cycle", {"uids": [], "start": 0, "ops": [{"next": 1}]}),
        ("retry_failures", {"history": ["bad luck"]}),
        ("eval_history", {"ops": [{"forget": "everything"}]}),
        ("page_sample", {"loader": "other", "seed": "1"}),
        ("page_sample", {"loader": "simple", "seed": "1", "max_pages": 0, "num_pages": 1}),
        ("schedule", {"schedule": [], "block": 0, "competition": 0}),
    ],
)
def test_what_must_be_refused(name: str, args: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        FUNCTIONS[name](args)
