"""What becomes of the tasks of a round: each has its text, or a stated reason why it has none.

A task without text drops out: the weights of the others are divided by their sum
(`rules.normalise`), and the record says which task is missing and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from iotapretrain.data.batches import Batch
from iotapretrain.errors import (
    ChangedSourceError,
    CorruptSourceError,
    SourceError,
    UnavailableSourceError,
)

Reason = Literal["unavailable", "changed", "corrupt"]

REASONS: dict[type[SourceError], Reason] = {
    UnavailableSourceError: "unavailable",
    ChangedSourceError: "changed",
    CorruptSourceError: "corrupt",
}


@dataclass(frozen=True)
class Missing:
    """A task that is left out of the round."""

    source: str
    reason: Reason
    sentence: str


@dataclass(frozen=True)
class RoundText:
    """The text of a round by task."""

    batches: dict[str, Batch]
    missing: dict[str, Missing]


def gather(tasks: Mapping[str, Callable[[], Batch]]) -> RoundText:
    """Make every task's batch, one after the other: each fetches in parallel as it is."""
    batches: dict[str, Batch] = {}
    missing: dict[str, Missing] = {}
    for task, make in tasks.items():
        try:
            batches[task] = make()
        except SourceError as error:
            missing[task] = Missing(error.source, REASONS[type(error)], str(error))
    return RoundText(batches, missing)
