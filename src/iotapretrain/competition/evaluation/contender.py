"""What goes into the evaluation of a round, and what comes out of it, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.competition.records.round_field import field_of
from iotapretrain.competition.records.round_record import ModelRecord, TaskRecord
from iotapretrain.models.verdict import Finding
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.validator.journal_records import Entry


@dataclass(frozen=True, kw_only=True)
class Contender(Entry):
    """An entry of which the caller has the bytes: `digest` is that of `folder`."""

    folder: Path


@dataclass(frozen=True)
class Terms:
    """What a round is scored under; `block` is the one at which the round was decided upon.

    `vocabulary` counts the ids of the competition's tokenizer, `end` is that of its end token.
    `behaviour` are rows of tokens on which models are told apart, if they are.
    """

    competition: Competition
    vocabulary: int
    seed: int
    block: int
    end: int | None = None
    behaviour: Sequence[Sequence[int]] | None = None


@dataclass(frozen=True)
class Judged:
    """What is known of one contender, and what a record says of it before anything is decided.

    `estimate` is what the score would probably be of a model that left the race early: the best
    score plus the mean difference on the pages that both were scored on. `behaviour` is what it
    loses on each token of the rows of the terms, in float64.
    """

    record: ModelRecord
    findings: tuple[Finding, ...] = ()
    estimate: float | None = None
    behaviour: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A scored field, one entry a contender in the order in which they were given.

    `error_probability` is that of the race; None where every model was scored on every page. A page
    counts once for all contenders of one digest.
    """

    models: tuple[Judged, ...]
    tasks: tuple[TaskRecord, ...]
    error_probability: float | None
    pages_scored: int
    pages_of_full_round: int

    def field(self) -> Field:
        """What the tournament would decide on, were these all of the round's models."""
        return field_of(self.tasks, [each.record for each in self.models])
