"""The public record of a round, from what was decided and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotapretrain.competition.evaluation.contender import Evaluated, Judged
from iotapretrain.competition.evaluation.round_pages import task_records
from iotapretrain.competition.records.round_field import field_of
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RaceRecord,
    Reason,
    RoundRecord,
)
from iotapretrain.competition.validator.inspect_models import Failure, reason_of
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition import eligibility
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.validator import journal_records
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    Entry,
    Refused,
    RoundOpened,
)
from iotapretrain.rules.competition.validator.judgement import Judgement, Placed

RACED_OUT = Reason("raced-out", "left the race: on the pages so far it could no longer win")


NOT_SCORED = journal_records.Reason(
    "not-scored", "could not be scored here, which says nothing about the model"
)
"""Public reasons name nothing of this machine."""


@dataclass(frozen=True)
class Result:
    """What was measured of one model of the field."""

    outcome: Outcome
    reasons: tuple[journal_records.Reason, ...] = ()
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

    def played(self, opened: RoundOpened, competition: Competition) -> Field:
        """What the tournament decides on: what everybody will read in the record, undecided."""
        rows = zip(opened.field, self.results, strict=True)
        models = [_scored(entry, result, Placed()) for entry, result in rows]
        return field_of(task_records(competition.tasks, self.text), models)

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
        code_version=author.code_version,
        network=author.network,
        netuid=author.netuid,
        validator=author.validator,
        round=opened.round,
        previous=previous,
        competition=competition.id,
        competition_name=competition.name,
        schedule_digest=author.schedule_digest,
        block=opened.block,
        sync_block=opened.block,
        seed_hash=opened.seed_hash,
        tasks=task_records(competition.tasks, measured.text),
        race=race,
        models=(*(_scored(*row) for row in rows), *map(_refused, opened.refused)),
        champion=judgement.champion,
        standings={
            str(each): dict(averages) for each, averages in judgement.standings.competitions.items()
        },
        weights=dict(judgement.weights),
    )


def _scored(entry: Entry, result: Result, placed: Placed) -> ModelRecord:
    return ModelRecord(
        uid=entry.uid,
        hotkey=entry.hotkey,
        block=entry.block,
        commitment=entry.text,
        digest=entry.digest,
        outcome=str(result.outcome),
        reasons=tuple(_reasons(result, placed)),
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


def _told(judged: Judged) -> tuple[journal_records.Reason, ...]:
    if judged.outcome is Outcome.INFRASTRUCTURE:
        return (NOT_SCORED,)
    return tuple(map(reason_of, judged.findings))


def _reasons(result: Result, placed: Placed) -> list[Reason]:
    """Why it failed; else why it was left out of the comparison."""
    if result.reasons:
        return [public(reason) for reason in result.reasons]
    if result.raced_out:
        return [RACED_OUT]
    return [] if placed.left_out is None else [_left_out(placed.left_out)]


def _left_out(reason: eligibility.Reason) -> Reason:
    return Reason(reason.name.lower().replace("_", "-"), reason.value)


def _refused(refused: Refused) -> ModelRecord:
    return ModelRecord(
        uid=refused.uid,
        hotkey=refused.hotkey,
        block=refused.block,
        commitment=refused.text,
        digest=refused.digest,
        outcome=str(refused.outcome),
        reasons=tuple(map(public, refused.reasons)),
    )


def public(reason: journal_records.Reason) -> Reason:
    """A reason of the rules as it stands in records."""
    return Reason(reason.code, reason.sentence, reason.item)
