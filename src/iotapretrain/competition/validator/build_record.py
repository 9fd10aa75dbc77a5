"""The public record of a round, from what was decided and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from iotapretrain.competition.evaluation.contender import Evaluated, Judged
from iotapretrain.competition.evaluation.round_pages import task_records
from iotapretrain.competition.records.round_field import field_of
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RaceRecord,
    RoundRecord,
)
from iotapretrain.competition.validator.inspect_models import Absence, reason_of
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    Entry,
    Reason,
    Refused,
    RoundOpened,
)
from iotapretrain.rules.competition.validator.judgement import Placed, RoundJudgement

RACED_OUT = Reason("raced-out", "left the race: on the pages so far it could no longer win")

NOT_SCORED = Reason("not-scored", "could not be scored here, which says nothing about the model")
"""Public reasons name nothing of this machine."""


@dataclass(frozen=True)
class ModelResult:
    """What became of one model of the field; `judged` is None if its bytes could not be had."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    judged: Judged | None = None

    @classmethod
    def of(cls, judged: Judged) -> ModelResult:
        """From an evaluation. Sabotage is in the pinned bytes, so it is final at once."""
        sabotaged = any(finding.code is Code.SABOTAGE for finding in judged.findings)
        outcome = Outcome.INADMISSIBLE if sabotaged else judged.outcome
        if judged.outcome is Outcome.INFRASTRUCTURE:
            return cls(outcome, (NOT_SCORED,), judged)
        return cls(outcome, tuple(map(reason_of, judged.findings)), judged)

    @classmethod
    def copied(cls, judged: Judged, finding: Finding) -> ModelResult:
        """Of a model that does what an earlier one does; its losses are the evidence."""
        unscored = replace(judged, task_scores={}, score=None, estimate=None, raced_out=False)
        return cls(Outcome.INADMISSIBLE, (reason_of(finding),), unscored)

    @classmethod
    def absent(cls, why: Absence) -> ModelResult:
        """Of a model whose bytes could not be had."""
        return cls(why.outcome, why.reasons)

    def attempt(self, hotkey: str) -> Attempt:
        """What is remembered of it: the score, or what it would probably have been."""
        if self.judged is None or self.outcome is not Outcome.EVALUATED:
            return Attempt(hotkey, self.outcome)
        score = self.judged.score if self.judged.score is not None else self.judged.estimate
        return Attempt(hotkey, self.outcome, score)


@dataclass(frozen=True)
class ScoredRound:
    """A scored round: its text, and a result for every entry of its field."""

    text: RoundText
    results: tuple[ModelResult, ...]
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
    measured: ScoredRound,
    judgement: RoundJudgement,
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
        tasks=task_records(competition.tasks, measured.text),
        race=race,
        models=(*(_scored(*row) for row in rows), *map(_refused, opened.refused)),
        champion=judgement.champion,
        standings={
            str(each): dict(averages) for each, averages in judgement.standings.competitions.items()
        },
        weights=dict(judgement.weights),
    )


def _scored(entry: Entry, result: ModelResult, placed: Placed) -> ModelRecord:
    return ModelRecord(
        **_whose(entry),
        **_measured(result.judged),
        outcome=str(result.outcome),
        reasons=_reasons(result, placed),
        epsilon=placed.epsilon,
        wins=placed.wins,
        win_rate=placed.win_rate,
        weight=placed.weight,
    )


def _refused(refused: Refused) -> ModelRecord:
    return ModelRecord(**_whose(refused), outcome=str(refused.outcome), reasons=refused.reasons)


def _whose(model: Entry | Refused) -> dict[str, Any]:
    return {
        "uid": model.uid,
        "hotkey": model.hotkey,
        "block": model.block,
        "commitment": model.text,
        "digest": model.digest,
    }


def _measured(judged: Judged | None) -> dict[str, Any]:
    if judged is None:
        return {}
    return {
        "losses": {task: tuple(losses) for task, losses in judged.losses.items()},
        "score": judged.score,
        "task_scores": dict(judged.task_scores),
        "pages_scored": judged.pages_scored,
        "raced_out": judged.raced_out,
    }


def _reasons(result: ModelResult, placed: Placed) -> tuple[Reason, ...]:
    """Why it failed; else why it was left out of the comparison."""
    if result.reasons:
        return result.reasons
    if result.judged is not None and result.judged.raced_out:
        return (RACED_OUT,)
    left_out = placed.left_out
    if left_out is None:
        return ()
    return (Reason(left_out.name.lower().replace("_", "-"), left_out.value),)
