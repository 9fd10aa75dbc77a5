"""From losses on tasks to a model's score, in the form of the vector files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from iotapretrain.conformance.compare import number
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.task_score import Method, Task, aggregate, normalise, weigh

Args = dict[str, Any]


def _normalise(args: Args) -> float:
    return normalise(number(args["score"]), _method(args["method"]), _optional(args.get("ceiling")))


def _aggregate(args: Args) -> dict[str, Any]:
    """What the original does: no data at all is a score of 0, and no failure is looked for."""
    parts = weigh(*_tasks(args), args["failed"])
    details = [[part.name, part.raw, part.normalised, part.weighted] for part in parts]
    return {"score": sum((part.weighted for part in parts), 0.0), "details": details}


def _safe_aggregate(args: Args) -> dict[str, Any] | str:
    score = aggregate(*_tasks(args), args["failed"])
    return "no_result" if score is None else {"score": score.value}


def _tasks(args: Args) -> tuple[list[Task], dict[str, float | None]]:
    tasks = [_task(task) for task in args["tasks"]]
    return tasks, {task["name"]: _optional(task["raw"]) for task in args["tasks"]}


def _task(document: Args) -> Task:
    """A task of a vector file, where a ceiling stands even beside the method that has none."""
    method = _method(document["method"])
    ceiling = None if method is Method.NONE else _optional(document.get("ceiling"))
    return Task(document["name"], number(document["weight"]), method, ceiling)


def _task_valid(args: Args) -> bool:
    ceiling = _optional((args.get("parameters") or {}).get("ceiling"))
    try:
        Task("task", number(args["weight"]), _method(args["method"]), ceiling)
    except InputError:
        return False
    return True


def _method(word: Any) -> Method:
    try:
        return Method(word)
    except ValueError:
        raise InputError(f"method {word!r} is unknown; give {' or '.join(Method)}") from None


def _optional(value: Any) -> float | None:
    return None if value is None else number(value)


FUNCTIONS: Mapping[str, Callable[[Args], Any]] = {
    "aggregate": _aggregate,
    "normalise": _normalise,
    "safe_aggregate": _safe_aggregate,
    "task_valid": _task_valid,
}
