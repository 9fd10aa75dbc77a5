"""From the losses of one model on several tasks to its one score (competition, 7.3 and 7.4)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from iotapretrain.errors import InputError


class Method(StrEnum):
    """Named by their configuration values; every released text task uses none."""

    NONE = "none"
    INVERSE_EXPONENTIAL = "inverse_exponential"


@dataclass(frozen=True)
class Task:
    """One evaluation task: how much it counts, and how its loss is normalised."""

    name: str
    weight: float
    method: Method = Method.NONE
    ceiling: float | None = None

    def __post_init__(self) -> None:
        if not (self.weight > 0 and math.isfinite(self.weight)):
            raise InputError(
                f"task {self.name}: weight is {self.weight}; give a finite number above 0"
            )
        _check_ceiling(f"task {self.name}", self.method, self.ceiling)
        if self.method is Method.NONE and self.ceiling is not None:
            raise InputError(f"task {self.name}: a ceiling without normalisation; leave it out")


@dataclass(frozen=True)
class TaskScore:
    """What one task adds to a model's score."""

    name: str
    raw: float
    normalised: float
    weighted: float


@dataclass(frozen=True)
class ModelScore:
    """A model's score of one round, and the parts it is the sum of."""

    value: float
    parts: tuple[TaskScore, ...]


def task_mean(losses: Sequence[float | None], sequences: Sequence[int]) -> float | None:
    """A task's raw score: the mean over all its sequences, from the mean loss of each page.

    None where a page that has sequences was not scored, or no page has any.
    """
    counted = [(loss, count) for loss, count in zip(losses, sequences, strict=True) if count]
    known = [(loss, count) for loss, count in counted if loss is not None]
    if not counted or len(known) < len(counted):
        return None
    return math.fsum(loss * count for loss, count in known) / sum(count for _, count in known)


def normalise(score: float, method: Method, ceiling: float | None = None) -> float:
    """The score, or 1 from the ceiling c on and (1 - exp(-s / c)) / (1 - exp(-1)) below it."""
    _check_ceiling("normalise", method, ceiling)
    if method is Method.NONE or ceiling is None:
        return score
    if score >= ceiling:
        return 1.0
    with np.errstate(over="ignore"):  # far below zero, where no loss is, the result is -inf
        return float((1 - np.exp(-score / ceiling)) / (1 - np.exp(-1)))


def aggregate(
    tasks: Sequence[Task], raw: Mapping[str, float | None], failed: Collection[str] = ()
) -> ModelScore | None:
    """A model's score over the tasks that have data; None, no result, if none has.

    A raw score that is missing or not finite is the model's own failure: its score is infinite for
    the round.
    """
    parts = weigh(tasks, raw, failed)
    if not parts:
        return None
    usable = all(math.isfinite(part.raw) for part in parts)
    return ModelScore(sum(part.weighted for part in parts) if usable else math.inf, parts)


def weigh(
    tasks: Sequence[Task], raw: Mapping[str, float | None], failed: Collection[str] = ()
) -> tuple[TaskScore, ...]:
    """The tasks that have data, normalised and weighted; their weights are divided by their sum."""
    names = [task.name for task in tasks]
    unknown = sorted((set(raw) | set(failed)) - set(names))
    if unknown or len(set(names)) < len(names):
        raise InputError(
            f"tasks: {', '.join(unknown) or 'a name'} unknown or listed twice; name each task once"
        )
    loaded = [task for task in tasks if task.name not in failed]
    total = sum(task.weight for task in loaded)
    return tuple(_task_score(task, raw.get(task.name), task.weight / total) for task in loaded)


def _task_score(task: Task, raw: float | None, share: float) -> TaskScore:
    score = math.nan if raw is None else raw
    normalised = normalise(score, task.method, task.ceiling)
    return TaskScore(task.name, score, normalised, share * normalised)


def _check_ceiling(where: str, method: Method, ceiling: float | None) -> None:
    if method is Method.INVERSE_EXPONENTIAL and not (
        ceiling is not None and 0 < ceiling < math.inf
    ):
        raise InputError(f"{where}: ceiling is {ceiling}; inverse_exponential needs one above 0")
