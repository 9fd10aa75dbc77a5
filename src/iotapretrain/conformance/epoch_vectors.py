"""Yuma epoch vectors: each step judged twice, from the inputs it states and as part of a replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from iotapretrain.conformance.checks import Failed, Found, attempted, judged
from iotapretrain.conformance.compare import CaseResult
from iotapretrain.conformance.subnet_replay import Replay, needed, refuse_unknown
from iotapretrain.errors import VectorError

_STEP = (
    "label",
    "note",
    "actions",
    "rao_emission",
    "inputs",
    "expect",
    "trace",
    "reference",
    "intermediates",
)


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
            outcome = attempted(run, replay, step, name)
            if isinstance(outcome, Failed):
                yield CaseResult(f"{label}, {way}", False, "an epoch", outcome.why)
            found.append(outcome if isinstance(outcome, Found) else None)
    history = [mine or theirs for mine, theirs in zip(alone, replayed, strict=True)]
    for k, (label, step) in enumerate(zip(labels, steps, strict=True)):
        yield from judged(f"{label}, replayed", step, k, replayed)
        if alone[k] is not None:
            yield from judged(f"{label}, alone", step, k, history)


def _opened(document: Mapping[str, Any], name: str) -> tuple[Replay, list[Mapping[str, Any]]]:
    """The subnet in its initial state, and the steps that it takes."""
    parameters, initial = needed(document, "params", name), needed(document, "initial", name)
    size, steps = needed(document, "n", name), needed(document, "steps", name)
    replay = attempted(Replay, parameters, initial, name)
    if isinstance(replay, Failed):
        raise VectorError(f"{name}: `initial` cannot be read: {replay.why}")
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
