"""Yuma files: every shipped one passes; what is wrong or unknown fails, what is broken is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.conformance.compare import CaseResult, Label, matches
from iotapretrain.conformance.epoch_vectors import epoch_cases
from iotapretrain.conformance.majority import property_cases
from iotapretrain.conformance.run_vectors import FUNCTIONS, run
from iotapretrain.errors import VectorError

VECTORS = Path(__file__).parent / "vectors" / "yuma"


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return document


def failures(document: dict[str, Any]) -> list[CaseResult]:
    return [result for result in epoch_cases(document) if not result.passed]


@pytest.fixture
def bonds() -> dict[str, Any]:
    return load("epoch/bonds_ema_part1.json")


@pytest.mark.parametrize("path", sorted(VECTORS.rglob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_file_passes(path: Path) -> None:
    results = [result for _, result in run([path])]
    assert results
    assert [result for result in results if not result.passed] == []


def test_every_step_is_judged_both_ways_and_completely(bonds: dict[str, Any]) -> None:
    names = [result.name for result in epoch_cases(bonds)]
    for way in ("replayed", "alone"):
        for field in bonds["steps"][1]["reference"]:
            assert f"bonds_ema_part1[1] all agree, {way}: reference {field}" in names
        for field in bonds["steps"][1]["intermediates"]:
            assert f"bonds_ema_part1[1] all agree, {way}: intermediates {field}" in names
        assert f"bonds_ema_part1[1] all agree, {way}: expect[0]" in names
        assert f"bonds_ema_part1[1] all agree, {way}: trace[0]" in names


def numbers(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from numbers(inner, (*at, key))
    elif isinstance(value, int | float):
        yield at


@pytest.mark.parametrize("kind", ["reference", "intermediates", "expect", "trace"])
def test_any_wrong_number_is_found(bonds: dict[str, Any], kind: str) -> None:
    places = [at for at in numbers(bonds["steps"][1][kind]) if at[-1] != 0 or kind == "reference"]
    values = [at for at in places if not {"cells", "uids"} & set(map(str, at))]
    for at in values[:: max(1, len(values) // 12)]:
        changed = copy.deepcopy(bonds)
        *path, last = at
        holder = changed["steps"][1][kind]
        for key in path:
            holder = holder[key]
        entry = holder[last]
        holder[last] = (
            not entry if isinstance(entry, bool) else entry + 1e-8 if kind[0] == "i" else entry + 1
        )
        assert failures(changed), at


@pytest.mark.parametrize("part", ["inputs", "reference", "intermediates", "expect", "trace"])
def test_each_part_of_a_step_is_judged_without_the_others(bonds: dict[str, Any], part: str) -> None:
    before = len(list(epoch_cases(bonds)))
    for step in bonds["steps"]:
        step.pop(part, None)
    results = list(epoch_cases(bonds))
    assert 0 < len(results) < before
    assert all(result.passed for result in results)


def test_the_absent_parts_of_a_step_are_not_missed(bonds: dict[str, Any]) -> None:
    for step in bonds["steps"]:
        for part in ("inputs", "reference", "intermediates", "trace"):
            step.pop(part, None)
    results = list(epoch_cases(bonds))
    assert {result.name for result in results} == {
        f"bonds_ema_part1[{k}] {bonds['steps'][k]['label']}, replayed: expect[0]"
        for k in range(1, 5)
    }
    assert all(result.passed for result in results)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"actions": [{"levitate": 1}]}, "unknown action 'levitate'"),
        ({"actions": [{"set_params": {"gravity": 9}}]}, "unknown parameter 'gravity'"),
        ({"actions": [{"set_state": {"mood": []}}]}, "unknown state 'mood'"),
        ({"weather": "fine"}, "unknown part of a step 'weather'"),
        ({"inputs": {"sky": 1}}, "`block` is missing"),
        ({"reference": {"glory": [1]}}, "unknown field 'glory'"),
        ({"intermediates": {"glory": [1]}}, "unknown field 'glory'"),
        ({"expect": [{"field": "glory", "values": [1]}]}, "unknown field 'glory'"),
        ({"expect": [{"field": "emission", "values": [1], "op": "near"}]}, "unknown op 'near'"),
        ({"expect": [{"field": "emission", "values": [1], "unit": "tao"}]}, "unknown unit 'tao'"),
        ({"expect": [{"agg": "mean", "fields": [], "value": 0}]}, "unknown agg 'mean'"),
        ({"expect": [{"field": "emission", "values": [1], "shape": 1}]}, "part of a check 'shape'"),
        ({"expect": [{"field": "emission", "uids": [99], "values": [1]}]}, "IndexError"),
        ({"expect": [{"field": "emission", "other": {"step": 77}}]}, "IndexError"),
        ({"expect": [{"field": "emission", "values": [1], "op": "gt"}]}, "[1] [49999998"),
        ({"reference": {"bonds": [[[99, 1]]] * 8}}, "IndexError"),
        ({"actions": [{"set_stake": [-1] * 8}]}, "stake: uid 0: -1"),
        (
            {"actions": [{"set_state": {"weights": {"0": [[4, 1], [4, 2]]}}}]},
            "uid 4 is there twice",
        ),
    ],
)
def test_what_is_not_known_fails(
    bonds: dict[str, Any], change: dict[str, Any], problem: str
) -> None:
    bonds["steps"][1].update(change)
    try:
        got = [f"{result.expected} {result.got}" for result in failures(bonds)]
    except VectorError as error:
        got = [str(error)]
    assert any(problem in text for text in got), got


@pytest.mark.parametrize(
    "path",
    [
        ("name",),
        ("n",),
        ("params",),
        ("params", "kappa_u16"),
        ("params", "last_mechanism_step_block"),
        ("initial",),
        ("initial", "stake"),
        ("initial", "block_at_registration"),
        ("steps",),
        ("steps", 0, "label"),
        ("steps", 0, "actions"),
        ("steps", 0, "rao_emission"),
        ("steps", 0, "inputs", "last_update"),
        ("steps", 1, "actions", 1, "set_weights", "dests"),
        ("steps", 1, "expect", 0, "field"),
        ("steps", 1, "expect", 0, "values"),
    ],
)
def test_a_missing_key_is_named(bonds: dict[str, Any], path: tuple[Any, ...]) -> None:
    *above, key = path
    holder: Any = bonds
    for step in above:
        holder = holder[step]
    del holder[key]
    with pytest.raises(VectorError, match=f"`{key}` is missing"):
        list(epoch_cases(bonds))


@pytest.mark.parametrize(
    "change",
    [{"steps": 3}, {"steps": [3]}, {"n": 9}, {"initial": {"block": 1}}, {"params": []}],
)
def test_a_file_that_cannot_be_read_is_refused(bonds: dict[str, Any], change: Any) -> None:
    with pytest.raises(VectorError, match="bonds_ema_part1"):
        list(epoch_cases(bonds | change))


def test_an_initial_state_of_the_wrong_shape_is_refused(bonds: dict[str, Any]) -> None:
    bonds["initial"]["stake"] = 5
    with pytest.raises(VectorError, match="`initial` cannot be read"):
        list(epoch_cases(bonds))


@pytest.mark.parametrize(
    ("op", "value", "tol", "holds"),
    [
        ("gt", 49998778, 0, True),
        ("gt", 49998779, 0, False),
        ("gt", 49998779, 1, True),
        ("ge", 49998779, 0, True),
        ("ge", 49998780, 0, False),
        ("lt", 49998780, 0, True),
        ("lt", 49998779, 0, False),
        ("le", 49998779, 0, True),
        ("le", 49998778, 0, False),
        ("le", 49998778, 1, True),
        ("eq", 49998778, 0, False),
        ("eq", 49998778, 1, True),
    ],
)
def test_comparisons_mean_what_they_say(
    bonds: dict[str, Any], op: str, value: int, tol: int, holds: bool
) -> None:
    check = {"field": "emission", "uids": [4], "values": [value], "op": op, "tol": tol}
    bonds["steps"][1]["expect"] = [check]
    verdicts = [r.passed for r in epoch_cases(bonds) if "[1]" in r.name and "expect" in r.name]
    assert verdicts == [holds, holds]


def test_entries_of_other_steps_can_be_compared_with(bonds: dict[str, Any]) -> None:
    same = {"field": "incentive", "uids": [4], "other": {"uids": [4], "step": 1}}
    bonds["steps"][2]["expect"] = [same, same | {"other": {"uids": [5], "step": 1}, "op": "lt"}]
    bonds["steps"][0]["expect"] = [same | {"op": "lt"}]
    assert failures(bonds) == []
    bonds["steps"][2]["expect"] = [same | {"other": {"uids": [5], "step": 1}}]
    assert len(failures(bonds)) == 2


def test_every_function_of_the_files_is_known() -> None:
    named = {
        document["function"]
        for path in [*VECTORS.glob("unit/*.json"), *VECTORS.glob("rules/*.json")]
        for document in [json.loads(path.read_text())]
    }
    assert named == set(FUNCTIONS["yuma-vectors/1"])


def test_unknown_words_inside_arguments_are_refused(tmp_path: Path) -> None:
    for name, change in {
        "unit/mask_pairs.json": {"mask_if": "roughly"},
        "rules/burn_price.json": {"events": ["explode"]},
        "rules/tempo_walk.json": {"moves": [{"jump": 3}]},
        "rules/accept_weights.json": {"colour": "red"},
    }.items():
        document = load(name)
        document["cases"] = [document["cases"][0]]
        document["cases"][0]["args"].update(change)
        path = tmp_path / "file.json"
        path.write_text(json.dumps(document))
        [(_, result)] = run([path])
        assert not result.passed, name


def test_a_label_of_unsettled_meaning_stands_for_an_unsettled_outcome_only() -> None:
    settled = frozenset({"ok", "too_fast"})
    version = Label("wrong_version_key", settled)
    assert matches("wrong_version_key", version)
    assert matches("bad_version", version)
    assert not matches("ok", version)
    assert not matches("too_fast", version)
    assert not matches(3, version)
    assert not matches("bad_version", Label("ok", settled))
    assert matches("ok", Label("ok", settled))


def test_an_unknown_property_fails() -> None:
    document = load("property/consensus_guarantee.json") | {"name": "perpetual_motion"}
    results = list(property_cases(document))
    assert len(results) == len(document["cases"])
    assert not any(result.passed for result in results)


def test_a_majority_cannot_be_promised_more_than_it_gets() -> None:
    document = load("property/consensus_guarantee.json")
    case = document["cases"][2] | {"slack": -0.2}
    assert not any(result.passed for result in property_cases(document | {"cases": [case]}))
    del case["major_weight"]
    with pytest.raises(VectorError, match="`major_weight` is missing"):
        list(property_cases(document | {"cases": [case]}))
