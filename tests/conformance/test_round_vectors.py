"""The vectors of a competition round, and what the adapter does with cases that they leave out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.conformance.compare import matches
from iotapretrain.conformance.round_vectors import FUNCTIONS
from iotapretrain.errors import InputError

VECTORS = Path(__file__).parent / "vectors" / "competition"
DECAY = {"type": "linear", "start": 0.005, "end": 0.0001, "decay_blocks": 14400}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_case_of_the_vectors_agrees(function: str) -> None:
    document = json.loads((VECTORS / f"{function}.json").read_text())
    failures = [
        (case["name"], case["expect"], got)
        for case in document["cases"]
        if not matches(case["expect"], got := _call(function, case["args"]), case.get("tol", 0.0))
    ]
    assert len(document["cases"]) > 0
    assert failures == []


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        ("wins", {"models": []}, {"wins": [], "win_rate": []}),
        ("filtered_wins", {"models": []}, {"wins": [], "win_rate": []}),
        ("competitive", {"models": []}, []),
        ("champion", {"models": []}, "no_result"),
        ("champion", {"models": [{"uid": 1, "score": "inf", "block": 1, "order": 0}]}, "no_result"),
        ("safe_round", {"models": [{"uid": 1, "score": None, "block": 1}]}, "no_result"),
        ("competitive", {"models": [{"uid": 1, "score": "nan", "block": 1}]}, [1]),
        ("competitive", {"models": [{"uid": 1, "score": 2.0, "block": "inf"}]}, [1]),
        ("wins", {"models": [{"uid": 1, "score": 2.0, "block": 1}], "current_block": "inf"},
         {"wins": [[1, 0]], "win_rate": [[1, 1]]}),
        ("step_weights", {"win_rates": [], "temperature": 0.01}, []),
        ("step_weights", {"win_rates": [1.0], "temperature": 0.0}, "error"),
        ("step_weights", {"win_rates": ["nan"], "temperature": 0.01}, "error"),
        ("normalise", {"score": 1.0, "method": "inverse_exponential"}, "error"),
        ("normalise", {"score": 1.0, "method": "square_root", "ceiling": 1.0}, "error"),
        ("normalise", {"score": "inf", "method": "none"}, float("inf")),
        ("task_valid", {"weight": 1, "method": "square_root"}, False),
        ("task_valid", {"weight": 1, "method": "none", "parameters": {"ceiling": 1.0}}, False),
        ("task_valid", {"weight": 1, "method": "inverse_exponential", "parameters": {}}, False),
        ("aggregate", {"tasks": [{"name": "a", "weight": 1, "method": "none", "raw": 2.0}],
                       "failed": ["a"]}, {"score": 0, "details": []}),
        ("round", {"uids": [1, 2], "blocks": [1, 2], "losses": [[2.0], [2.0, 1.0]]}, "error"),
        ("round", {"uids": [], "blocks": [], "losses": []},
         {"per_page": {"wins": [], "weights": []}, "score_level": {"competitive": []}}),
        ("epsilon", {"func": {"type": "cubic"}, "model_block": 1}, "error"),
        ("standings", {"num_neurons": 3, "alpha": 0.5, "queries": [{"competitions": [[1, 1.0]]}],
                       "ops": []}, {"competitions": [], "merged": [[0, 0, 0]]}),
        ("standings", {"num_neurons": 3, "alpha": 0.5, "queries": [],
                       "ops": [{"record": {"competition": 1, "weights": [1, 2]}}]}, "error"),
        ("standings", {"num_neurons": 1, "alpha": 0.5, "queries": [], "ops": [{"undo": 1}]},
         "error"),
    ],
)  # fmt: skip
def test_cases_beyond_the_vectors(function: str, args: dict[str, Any], expected: Any) -> None:
    defaults = {"func": DECAY, "current_block": 100, "temperature": 0.01}
    assert matches(expected, _call(function, {**defaults, **args}))


def _call(function: str, args: dict[str, Any]) -> Any:
    try:
        return FUNCTIONS[function](args)
    except InputError:
        return "error"
