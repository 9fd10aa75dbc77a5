"""Yuma epoch vectors: each step judged twice, from the inputs it states and as part of a replay."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from iotapretrain.conformance.compare import CaseResult, matches
from iotapretrain.conformance.replay import Replay, needed, refuse_unknown
from iotapretrain.errors import InputError, VectorError
from iotapretrain.rules.fixed import U16, Ticks, real
from iotapretrain.rules.yuma import EpochOutcome, Trace

Outputs = Mapping[str, Any]
Found = tuple[Outputs, Outputs]

_COLUMNS = (
    "stake_weight",
    "active",
    "consensus",
    "incentive",
    "dividends",
    "validator_trust",
    "validator_permit",
    "emission",
    "server_emission",
    "validator_emission",
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
_ROWS = ("bonds", *_MATRICES)
_PRINTED = 1e-9
"""Real values are printed with ten decimals."""

_STEP = ("label", "note", "actions", "rao_emission", "inputs")
_JUDGED = ("expect", "trace", "reference", "intermediates")
_CHECK = ("field", "uids", "cells", "values", "op", "tol", "unit", "other", "note")
_SUM = ("agg", "fields", "value", "op", "tol", "note")
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def epoch_cases(document: dict[str, Any]) -> Iterator[CaseResult]:
    """Every check of every step, of each way to come to it."""
    name = str(needed(document, "name", "epoch file"))
    size = needed(document, "n", name)
    parameters, initial = needed(document, "params", name), needed(document, "initial", name)
    replay = _attempted(Replay, parameters, initial, name)
    if isinstance(replay, str):
        raise VectorError(f"{name}: `initial` cannot be read: {replay}")
    if len(replay.stake) != size:
        raise VectorError(f"{name}: `n` is {size}, but `initial` has {len(replay.stake)} neurons")
    steps = needed(document, "steps", name)
    if not isinstance(steps, list):
        raise VectorError(f"{name}: `steps` must be a list")
    labels = [f"{name}[{k}] {needed(step, 'label', name)}" for k, step in enumerate(steps)]
    replayed: list[Found | None] = []
    alone: list[Found | None] = []
    for label, step in zip(labels, steps, strict=True):
        for way, found, run in (("replayed", replayed, _carried_on), ("alone", alone, _alone)):
            outcome = _attempted(run, replay, step, name)
            if isinstance(outcome, str):
                yield CaseResult(f"{label}, {way}", False, "an epoch", outcome)
            found.append(outcome if isinstance(outcome, tuple) else None)
    history = [mine or theirs for mine, theirs in zip(alone, replayed, strict=True)]
    for k, (label, step) in enumerate(zip(labels, steps, strict=True)):
        yield from _judged(f"{label}, replayed", step, k, replayed)
        if alone[k] is not None:
            yield from _judged(f"{label}, alone", step, k, history)


def _carried_on(replay: Replay, step: Mapping[str, Any], where: str) -> Found:
    """The step as part of the sequence."""
    refuse_unknown(step, (*_STEP, *_JUDGED), "part of a step")
    for action in needed(step, "actions", where):
        replay.act(action)
    return _found(replay.run(needed(step, "rao_emission", where)))


def _alone(replay: Replay, step: Mapping[str, Any], where: str) -> Found | None:
    """The step from its own inputs, where it states them."""
    inputs = step.get("inputs")
    if inputs is None:
        return None
    return _found(Replay(replay.parameters, inputs, where).run(needed(step, "rao_emission", where)))


def _attempted(run: Callable[..., Any], *arguments: Any) -> Any:
    """What it returns, or in words why it failed."""
    try:
        return run(*arguments)
    except VectorError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever an epoch raises is that case's failure
        return f"{type(error).__name__}: {error}"


def _found(outcome: EpochOutcome) -> Found:
    """The outputs of an epoch, and the real values on the way, in the vectors' names."""
    outputs = {column: getattr(outcome, column).tolist() for column in _COLUMNS}
    size = len(outcome.active)
    outputs["bonds"] = outcome.bonds.dense(np.arange(size)).tolist()
    trace = outcome.trace
    reals = {name: real(getattr(trace, ours)).tolist() for name, ours in _VECTORS.items()}
    for name, ours in _MATRICES.items():
        reals[name] = _square(trace, getattr(trace, ours), size)
    return outputs, reals


def _square(trace: Trace, matrix: Ticks, size: int) -> list[list[float]]:
    result = np.zeros((size, size))
    result[trace.rows] = real(matrix)
    return result.tolist()


def _judged(
    label: str, step: Mapping[str, Any], at: int, found: Sequence[Found | None]
) -> Iterator[CaseResult]:
    """The checks of one step on what was found in all of them."""
    here = found[at]
    if here is None:
        return
    stated = {kind: step[kind] for kind in ("reference", "intermediates") if kind in step}
    for (kind, values), outputs, tol in zip(stated.items(), here, (0.0, _PRINTED), strict=False):
        for field, expected in values.items():
            yield _compared(f"{label}: {kind} {field}", field, expected, outputs, tol)
    for kind in ("expect", "trace"):
        for number, check in enumerate(step.get(kind, ())):
            case = f"{label}: {kind}[{number}]"
            result = _attempted(_checked, case, check, at, found)
            unreadable = isinstance(result, str)
            yield CaseResult(case, False, check, result) if unreadable else result


def _compared(
    name: str, field: str, expected: Any, outputs: Outputs, tolerance: float
) -> CaseResult:
    if field not in outputs:
        return CaseResult(name, False, "a field that we know", f"unknown field {field!r}")
    wanted = _dense(expected) if field in _ROWS else expected
    return CaseResult(name, matches(wanted, outputs[field], tolerance), expected, outputs[field])


def _dense(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    result = [[0] * len(rows) for _ in rows]
    for row, pairs in zip(result, rows, strict=True):
        for uid, value in pairs:
            row[uid] = value
    return result


def _checked(
    name: str, check: Mapping[str, Any], at: int, found: Sequence[Found | None]
) -> CaseResult:
    """One check of `expect` or `trace`."""
    if "agg" in check:
        refuse_unknown(check, _SUM, "part of a check")
        got, expected = _summed(check, _outputs(found, at), name), needed(check, "value", name)
    else:
        refuse_unknown(check, _CHECK, "part of a check")
        field = needed(check, "field", name)
        scale = _scale(check.get("unit"))
        got = _scaled(_selected(field, check, _outputs(found, at)), scale)
        if "other" in check:
            other = check["other"]
            refuse_unknown(other, ("uids", "cells", "step"), "part of `other`")
            before = _outputs(found, other.get("step", at))
            expected = _scaled(_selected(field, other, before), scale)
        else:
            expected = needed(check, "values", name)
    return CaseResult(name, _holds(check, expected, got), expected, got)


def _outputs(found: Sequence[Found | None], step: int) -> Outputs:
    there = found[step]
    if there is None:
        raise InputError(f"step {step} has no result to compare with")
    return there[0]


def _summed(check: Mapping[str, Any], outputs: Outputs, name: str) -> Any:
    if check["agg"] != "sum":
        raise InputError(f"unknown agg {check['agg']!r}")
    return sum(sum(_field(field, outputs)) for field in needed(check, "fields", name))


def _field(field: str, outputs: Outputs) -> Any:
    if field not in outputs:
        raise InputError(f"unknown field {field!r}")
    return outputs[field]


def _selected(field: str, entries: Mapping[str, Any], outputs: Outputs) -> list[Any]:
    """The entries that a check is about, in its order."""
    values = _field(field, outputs)
    if "cells" in entries:
        return [values[row][column] for row, column in entries["cells"]]
    return [values[uid] for uid in entries["uids"]] if "uids" in entries else list(values)


def _scale(unit: str | None) -> int:
    if unit not in (None, "proportion"):
        raise InputError(f"unknown unit {unit!r}")
    return U16 if unit else 1


def _scaled(values: list[Any], scale: int) -> list[Any]:
    return values if scale == 1 else (np.asarray(values) / scale).tolist()


def _holds(check: Mapping[str, Any], expected: Any, got: Any) -> bool:
    tolerance, op = check.get("tol", 0), check.get("op", "eq")
    if op == "eq":
        return matches(expected, got, tolerance)
    if op not in _COMPARED:
        raise InputError(f"unknown op {op!r}")
    slack = tolerance if op in ("ge", "gt") else -tolerance
    return bool(np.all(_COMPARED[op](np.asarray(got) + slack, np.asarray(expected))))
