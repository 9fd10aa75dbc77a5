"""The public record of a round, from what was decided and what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from iotapretrain.competition.evaluation.contender import Evaluated, Judged
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    PageRecord,
    RaceRecord,
    RoundRecord,
    TaskRecord,
)
from iotapretrain.competition.validator.inspect_models import Failure, reason_of
from iotapretrain.data.batches import Batch
from iotapretrain.data.outcome import Missing, RoundText
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition, TextTask
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    Entry,
    Reason,
    Refused,
    RoundOpened,
)
from iotapretrain.rules.competition.validator.judgement import Judgement, Placed

RACED_OUT = Reason("raced-out", "left the race: on the pages so far it could no longer win")

NOT_SCORED = Reason("not-scored", "could not be scored here, which says nothing about the model")
"""Public reasons name nothing of this machine."""


@dataclass(frozen=True)
class Result:
    """What was measured of one model of the field."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    losses: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    task_scores: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    estimate: float | None = None
    pages_scored: int = 0
    raced_out: bool = False

    @classmethod
    def of(cls, judged: Judged) -> Result:
        """From an evaluation. Sabotage is in the pinned bytes, so it is final at once."""
        sabotaged = any(finding.code is Code.SABOTAGE for finding in judged.findings)
        return cls(
            outcome=Outcome.INADMISSIBLE if sabotaged else judged.outcome,
            reasons=_told(judged),
            losses=judged.losses,
            task_scores=judged.task_scores,
            score=judged.score,
            estimate=judged.estimate,
            pages_scored=judged.pages_scored,
            raced_out=judged.raced_out,
        )

    @classmethod
    def copied(cls, judged: Judged, finding: Finding) -> Result:
        """Of a model that does what an earlier one does; its losses are the evidence."""
        return cls(
            Outcome.INADMISSIBLE,
            (reason_of(finding),),
            losses=judged.losses,
            pages_scored=judged.pages_scored,
        )

    @classmethod
    def failed(cls, failure: Failure) -> Result:
        """Of a model whose bytes could not be had."""
        return cls(failure.outcome, failure.reasons)

    def attempt(self, hotkey: str) -> Attempt:
        """What is remembered of it: the score, or what it would probably have been."""
        score = self.score if self.score is not None else self.estimate
        return Attempt(hotkey, self.outcome, score if self.outcome is Outcome.EVALUATED else None)

    @property
    def played(self) -> float:
        """As the tournament takes it: a model's own failure is infinite, ours is no number."""
        if self.score is not None:
            return self.score
        ours = self.outcome in (Outcome.EVALUATED, Outcome.INFRASTRUCTURE)
        return math.nan if ours else math.inf


@dataclass(frozen=True)
class Measured:
    """A scored round: its text, and a result for every entry of its field."""

    text: RoundText
    results: tuple[Result, ...]
    evaluated: Evaluated | None
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By stage, for the operator."""

    @property
    def no_text(self) -> str | None:
        """Why there was nothing to score on, if there was nothing."""
        if self.text.batches:
            return None
        return "; ".join(each.sentence for each in self.text.missing)

    @property
    def pages(self) -> tuple[int, int]:
        """How many pages were scored, of how many that a full round has."""
        if self.evaluated is None:
            return 0, 0
        return self.evaluated.pages_scored, self.evaluated.pages_of_full_round

    def played(self, opened: RoundOpened) -> Field:
        """What the tournament decides on."""
        return Field.of(
            [entry.uid for entry in opened.field],
            [entry.block for entry in opened.field],
            scores=[result.played for result in self.results],
            losses=self._losses(opened),
            digests=[entry.digest for entry in opened.field],
        )

    def _losses(self, opened: RoundOpened) -> FloatArray | None:
        """Page by page, for modes that compare so and for margins; rows of NaN were not scored."""
        if self.evaluated is None:
            return None
        known = {
            judged.contender.hotkey: row
            for judged, row in zip(self.evaluated.models, self.evaluated.weighed, strict=True)
        }
        unknown = np.full(self.evaluated.weighed.shape[1], np.nan)
        return np.array([known.get(entry.hotkey, unknown) for entry in opened.field])

    def attempts(self, opened: RoundOpened) -> tuple[Attempt, ...]:
        """What is remembered of everybody."""
        pairs = zip(opened.field, self.results, strict=True)
        return tuple(result.attempt(entry.hotkey) for entry, result in pairs)


@dataclass(frozen=True)
class Author:
    """Who signs, and under which circumstances: the same for all records of a validator."""

    code_version: str
    network: str
    netuid: int
    validator: str
    schedule_digest: str


def round_record(
    author: Author,
    competition: Competition,
    opened: RoundOpened,
    measured: Measured,
    judgement: Judgement,
    previous: str | None,
) -> RoundRecord:
    """Everything that a stranger needs to compute the round again."""
    evaluated = measured.evaluated
    race = None
    if evaluated is not None and evaluated.error_probability is not None:
        race = RaceRecord(evaluated.error_probability, *measured.pages)
    rows = zip(opened.field, measured.results, judgement.places, strict=True)
    return RoundRecord(
        **asdict(author),
        round=opened.round,
        previous=previous,
        competition=competition.id,
        competition_name=competition.name,
        block=opened.block,
        sync_block=opened.block,
        seed_hash=opened.seed_hash,
        tasks=_tasks(competition.tasks, measured.text),
        race=race,
        models=(*(_scored(*row) for row in rows), *map(_refused, opened.refused)),
        champion=judgement.champion,
        standings={
            str(each): dict(averages) for each, averages in judgement.standings.competitions.items()
        },
        weights=dict(judgement.weights),
    )


def _tasks(tasks: Sequence[TextTask], text: RoundText) -> tuple[TaskRecord, ...]:
    """The tasks in the competition's order, with their pages or the reason why they have none."""
    missing = {each.task: each for each in text.missing}
    return tuple(_task(task, text.batches.get(task.name), missing.get(task.name)) for task in tasks)


def _task(task: TextTask, batch: Batch | None, missing: Missing | None) -> TaskRecord:
    if batch is None:
        reason = None if missing is None else Reason(missing.reason, missing.sentence)
        return TaskRecord(task.name, task.dataset, "", task.weight, (), None, reason)
    pages = tuple(
        PageRecord(
            packed.page.config,
            packed.page.start,
            packed.page.rows,
            packed.digest,
            len(packed.sequences),
        )
        for packed in batch.pages
    )
    return TaskRecord(task.name, task.dataset, batch.revision, task.weight, pages, batch.digest)


def _scored(entry: Entry, result: Result, placed: Placed) -> ModelRecord:
    return ModelRecord(
        uid=entry.uid,
        hotkey=entry.hotkey,
        block=entry.block,
        commitment=entry.text,
        digest=entry.digest,
        outcome=str(result.outcome),
        reasons=_reasons(result, placed),
        losses={task: tuple(losses) for task, losses in result.losses.items()},
        score=result.score,
        task_scores=dict(result.task_scores),
        pages_scored=result.pages_scored,
        raced_out=result.raced_out,
        epsilon=placed.epsilon,
        wins=placed.wins,
        win_rate=placed.win_rate,
        weight=placed.weight,
    )


def _told(judged: Judged) -> tuple[Reason, ...]:
    if judged.outcome is Outcome.INFRASTRUCTURE:
        return (NOT_SCORED,)
    return tuple(map(reason_of, judged.findings))


def _reasons(result: Result, placed: Placed) -> tuple[Reason, ...]:
    """Why it failed; else why it was left out of the comparison."""
    if result.reasons:
        return result.reasons
    if result.raced_out:
        return (RACED_OUT,)
    left_out = placed.left_out
    if left_out is None:
        return ()
    return (Reason(left_out.name.lower().replace("_", "-"), left_out.value),)


def _refused(refused: Refused) -> ModelRecord:
    return ModelRecord(
        uid=refused.uid,
        hotkey=refused.hotkey,
        block=refused.block,
        commitment=refused.text,
        digest=refused.digest,
        outcome=str(refused.outcome),
        reasons=refused.reasons,
    )
