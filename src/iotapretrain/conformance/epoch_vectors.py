"""Yuma epoch vectors: each step judged twice, from the inputs it states and as part of a replay."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iotapretrain.conformance.compare import CaseResult, matches
from iotapretrain.conformance.subnet_replay import Replay, needed, refuse_unknown
from iotapretrain.errors import InputError, VectorError
from iotapretrain.rules.chain.fixed_point import U16, real
from iotapretrain.rules.chain.yuma import EpochOutcome

_STORED = (
    *("stake_weight", "active", "consensus", "incentive", "dividends"),
    *("validator_trust", "validator_permit", "emission", "server_emission", "validator_emission"),
)
_VECTORS = {
    "stake": "stake",
    "active_stake": "active_stake",
    "consensus": "consensus",
    "validator_trust": "validator_trust",
    "rank_unnormalised": "rank",
    "incentive": "incentive",
    "dividends": "dividends",
}
_MATRICES = {"weights": "weights", "clipped_weights": "clipped_weights", "ema_bonds": "bonds"}
_PRINTED = 1e-9
"""Real values are printed with ten decimals."""

_STEP = (
    *("label", "note", "actions", "rao_emission", "inputs"),
    *("expect", "trace", "reference", "intermediates"),
)
_CHECK = ("field", "uids", "cells", "values", "op", "tol", "unit", "other", "note")
_SUM = ("agg", "fields", "value", "op", "tol", "note")
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True)
class Found:
    """What came out of an epoch, in the vectors' names: outputs as stored, and reals on the way."""

    stored: Mapping[str, Any]
    reals: Mapping[str, Any]

    @classmethod
    def of(cls, outcome: EpochOutcome) -> Found:
        """Matrices are written out in full, with 0 for what is absent."""
        size, trace = len(outcome.active), outcome.trace
        stored = {name: getattr(outcome, name).tolist() for name in _STORED}
        stored["bonds"] = outcome.bonds.dense(np.arange(size)).tolist()
        reals = {name: real(getattr(trace, ours)).tolist() for name, ours in _VECTORS.items()}
        for name, ours in _MATRICES.items():
            whole = np.zeros((size, size))
            whole[trace.rows] = real(getattr(trace, ours))
            reals[name] = whole.tolist()
        return cls(stored, reals)


def epoch_cases(document: dict[str, Any]) -> Iterator[CaseResult]:
    """Every check of every step, of each way to come to it.

    All steps are run before any is judged: a check may compare with another step.
    """
    name = str(needed(document, "name", "epoch file"))
    replay, steps = _opened(document, name)
    labels = [f"{name}[{k}] {needed(step, 'label', name)}" for k, step in enumerate(steps)]
    replayed: list[Found | None] = []
    alone: list[Found | None] = []
    for label, step in zip(labels, steps, strict=True):
        for way, found, run in (("replayed", replayed, _carried_on), ("alone", alone, _alone)):
            outcome, failure = _attempted(run, replay, step, name)
            if failure:
                yield CaseResult(f"{label}, {way}", False, "an epoch", failure)
            found.append(outcome)
    history = [mine or theirs for mine, theirs in zip(alone, replayed, strict=True)]
    for k, (label, step) in enumerate(zip(labels, steps, strict=True)):
        yield from _judged(f"{label}, replayed", step, k, replayed)
        if alone[k] is not None:
            yield from _judged(f"{label}, alone", step, k, history)


def _opened(document: Mapping[str, Any], name: str) -> tuple[Replay, list[Mapping[str, Any]]]:
    """The subnet in its initial state, and the steps that it takes."""
    parameters, initial = needed(document, "params", name), needed(document, "initial", name)
    size, steps = needed(document, "n", name), needed(document, "steps", name)
    replay, failure = _attempted(Replay, parameters, initial, name)
    if failure:
        raise VectorError(f"{name}: `initial` cannot be read: {failure}")
    if len(replay.stake) != size:
        raise VectorError(f"{name}: `n` is {size}, but `initial` has {len(replay.stake)} neurons")
    if not isinstance(steps, list):
        raise VectorError(f"{name}: `steps` must be a list")
    return replay, steps


def _carried_on(replay: Replay, step: Mapping[str, Any], where: str) -> Found:
    """The step as part of the sequence."""
    refuse_unknown(step, _STEP, "part of a step")
    for action in needed(step, "actions", where):
        replay.act(action)
    return Found.of(replay.run(needed(step, "rao_emission", where)))


def _alone(replay: Replay, step: Mapping[str, Any], where: str) -> Found | None:
    """The step from its own inputs, where it states them."""
    inputs = step.get("inputs")
    if inputs is None:
        return None
    fresh = Replay(replay.parameters, inputs, where)
    return Found.of(fresh.run(needed(step, "rao_emission", where)))


def _attempted(run: Callable[..., Any], *arguments: Any) -> tuple[Any, str | None]:
    """What it returns, or why it failed; a file that lacks something is not a failure of ours."""
    try:
        return run(*arguments), None
    except VectorError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever a rule raises on a case is that case's failure
        return None, f"{type(error).__name__}: {error}"


def _judged(
    label: str, step: Mapping[str, Any], at: int, found: Sequence[Found | None]
) -> Iterator[CaseResult]:
    """Every check of step `at` on what was `found` in all the steps."""
    here = found[at]
    if here is None:
        return
    for kind, outputs, tolerance in (
        ("reference", here.stored, 0.0),
        ("intermediates", here.reals, _PRINTED),
    ):
        for field, expected in (step.get(kind) or {}).items():
            name = f"{label}: {kind} {field}"
            yield _attempted_case(name, expected, _whole, field, expected, outputs, tolerance)
    for kind in ("expect", "trace"):
        for number, check in enumerate(step.get(kind) or ()):
            name = f"{label}: {kind}[{number}]"
            yield _attempted_case(name, check, _single, name, check, at, found)


def _attempted_case(
    name: str, stated: Any, compare: Callable[..., tuple[bool, Any, Any]], *arguments: Any
) -> CaseResult:
    verdict, failure = _attempted(compare, *arguments)
    return CaseResult(name, False, stated, failure) if failure else CaseResult(name, *verdict)


def _whole(
    field: str, expected: Any, outputs: Mapping[str, Any], tolerance: float
) -> tuple[bool, Any, Any]:
    """A whole output; rows of pairs are compared as a matrix."""
    got = _field(field, outputs)
    in_full = _dense(expected) if field in ("bonds", *_MATRICES) else expected
    return matches(in_full, got, tolerance), expected, got


def _dense(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    result = [[0] * len(rows) for _ in rows]
    for row, pairs in zip(result, rows, strict=True):
        for uid, value in pairs:
            row[uid] = value
    return result


def _single(
    name: str, check: Mapping[str, Any], at: int, found: Sequence[Found | None]
) -> tuple[bool, Any, Any]:
    if "agg" in check:
        refuse_unknown(check, _SUM, "part of a check")
        got, expected = _summed(name, check, found[at]), needed(check, "value", name)
    else:
        refuse_unknown(check, _CHECK, "part of a check")
        field, scale = needed(check, "field", name), _scale(check.get("unit"))
        got = _selected(field, check, found[at], scale)
        if "other" in check:
            other = check["other"]
            refuse_unknown(other, ("uids", "cells", "step"), "part of `other`")
            expected = _selected(field, other, found[other.get("step", at)], scale)
        else:
            expected = needed(check, "values", name)
    return _holds(check, expected, got), expected, got


def _summed(name: str, check: Mapping[str, Any], found: Found | None) -> Any:
    if check["agg"] != "sum":
        raise InputError(f"unknown agg {check['agg']!r}")
    return sum(sum(_stored(field, found)) for field in needed(check, "fields", name))


def _selected(field: str, entries: Mapping[str, Any], found: Found | None, scale: int) -> list[Any]:
    """The entries that a check is about, in its order and unit."""
    values = _stored(field, found)
    if "cells" in entries:
        values = [values[row][column] for row, column in entries["cells"]]
    elif "uids" in entries:
        values = [values[uid] for uid in entries["uids"]]
    return values if scale == 1 else [value / scale for value in values]


def _stored(field: str, found: Found | None) -> list[Any]:
    if found is None:
        raise InputError("the step to compare with has no result")
    values: list[Any] = _field(field, found.stored)
    return values


def _field(field: str, outputs: Mapping[str, Any]) -> Any:
    if field not in outputs:
        raise InputError(f"unknown field {field!r}")
    return outputs[field]


def _scale(unit: str | None) -> int:
    if unit not in (None, "proportion"):
        raise InputError(f"unknown unit {unit!r}")
    return U16 if unit else 1


def _holds(check: Mapping[str, Any], expected: Any, got: Any) -> bool:
    tolerance, op = check.get("tol", 0), check.get("op", "eq")
    if op == "eq":
        return matches(expected, got, tolerance)
    if op not in _COMPARED:
        raise InputError(f"unknown op {op!r}")
    slack = tolerance if op in ("ge", "gt") else -tolerance
    left, right = np.asarray(got) + slack, np.asarray(expected)
    return left.shape == right.shape and bool(np.all(_COMPARED[op](left, right)))
