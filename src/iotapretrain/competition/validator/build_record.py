"""The public record of a round, from what was decided and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from msgspec.structs import replace as changed

from iotapretrain.competition.evaluation.contender import Evaluated, Judged
from iotapretrain.competition.evaluation.round_pages import task_records
from iotapretrain.competition.records.round_field import field_of
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RaceRecord,
    RoundRecord,
    unscored,
)
from iotapretrain.competition.validator.inspect_models import Absence, reason_of
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.tournament import Placed
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    Entry,
    Reason,
    RoundClosed,
    RoundOpened,
)

RACED_OUT = Reason("raced-out", "left the race: on the pages so far it could no longer win")

NOT_SCORED = Reason("not-scored", "could not be scored here, which says nothing about the model")
"""Public reasons name nothing of this machine."""


def published(judged: Judged) -> Judged:
    """With reasons for everybody. Sabotage is in the pinned bytes, so it is final at once."""
    sabotaged = any(finding.code is Code.SABOTAGE for finding in judged.findings)
    outcome = Outcome.INADMISSIBLE if sabotaged else Outcome(judged.record.outcome)
    ours = outcome is Outcome.INFRASTRUCTURE
    reasons = (NOT_SCORED,) if ours else tuple(map(reason_of, judged.findings))
    return replace(judged, record=changed(judged.record, outcome=str(outcome), reasons=reasons))


def copied(judged: Judged, finding: Finding) -> Judged:
    """A model that does what an earlier one does; its losses are the evidence."""
    unsaid = changed(judged.record, task_scores={}, score=None, raced_out=False)
    refused = changed(unsaid, outcome=str(Outcome.INADMISSIBLE), reasons=(reason_of(finding),))
    return Judged(refused)


def absent(entry: Entry, why: Absence) -> Judged:
    """A model whose bytes could not be had."""
    return Judged(unscored(entry, why.outcome, why.reasons))


def attempt_at(judged: Judged) -> Attempt:
    """What is remembered of a model: the score, or what it would probably have been."""
    record, outcome = judged.record, Outcome(judged.record.outcome)
    score = judged.estimate if record.score is None else record.score
    return Attempt(record.hotkey, outcome, score if outcome is Outcome.EVALUATED else None)


@dataclass(frozen=True)
class ScoredRound:
    """A scored round: its text, and a result for every entry of its field."""

    text: RoundText
    results: tuple[Judged, ...]
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

    def played(self, competition: Competition) -> Field:
        """What the tournament decides on: what everybody will read in the record, undecided."""
        models = [each.record for each in self.results]
        return field_of(task_records(competition.tasks, self.text), models)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What is remembered of everybody."""
        return tuple(map(attempt_at, self.results))


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
    closed: RoundClosed,
    places: Sequence[Placed],
    previous: str | None,
) -> RoundRecord:
    """Everything that a stranger needs to compute the round again."""
    evaluated = measured.evaluated
    race = None
    if evaluated is not None and evaluated.error_probability is not None:
        race = RaceRecord(evaluated.error_probability, *measured.pages)
    rows = zip(measured.results, places, strict=True)
    refused = (unscored(each, each.outcome, each.reasons) for each in opened.refused)
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
        models=(*(_placed(result.record, place) for result, place in rows), *refused),
        champion=closed.champion,
        standings={str(each): dict(averages) for each, averages in closed.averages.items()},
        weights=dict(closed.weights),
    )


def _placed(model: ModelRecord, placed: Placed) -> ModelRecord:
    """What was measured, and what was decided: why it failed, else why it was left out."""
    reasons, left_out = model.reasons, placed.left_out
    if model.raced_out and not reasons:
        reasons = (RACED_OUT,)
    if left_out is not None and not reasons:
        reasons = (Reason(left_out.name.lower().replace("_", "-"), left_out.value),)
    return changed(
        model,
        reasons=reasons,
        epsilon=placed.epsilon,
        wins=placed.wins,
        win_rate=placed.win_rate,
        weight=placed.weight,
    )
