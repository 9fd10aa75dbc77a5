"""Do scores follow from the losses, and wins, weights and champion from the scores?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, differs
from iotapretrain.competition.evaluation.loss_matrix import task_loss
from iotapretrain.competition.records.record_pages import plan_of, weighed_losses
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.task_score import aggregate
from iotapretrain.rules.competition.tournament import NoResult, play

ROUNDING = 1e-9
"""What sums in another order may differ by; nobody computes anything anew here but sums."""


def check_scores(record: RoundRecord, competition: Competition) -> Check:
    """Each published score against the one that the published losses add up to."""
    failed = {task.name for task in record.tasks if task.missing is not None}
    found = []
    for model in record.models:
        if model.outcome == Outcome.EVALUATED and not model.raced_out:
            score = _score(record, model, competition, failed)
            if score is None or differs(model.score, score, ROUNDING):
                item = f"uid {model.uid}, score"
                found.append(Difference(Name.SCORES, item, model.score, score))
    return concluded(Name.SCORES, found, "every score follows from its losses")


def check_tournament(record: RoundRecord, competition: Competition) -> Check:
    """Epsilons, wins, weights and champion against a tournament of the published scores."""
    try:
        field = field_of(record)
        outcome = play(field, competition.rules, record.block)
    except InputError as error:
        found = [Difference(Name.TOURNAMENT, "field", "a field of models", str(error))]
        return concluded(Name.TOURNAMENT, found, "")
    if isinstance(outcome, NoResult):
        return concluded(Name.TOURNAMENT, _nothing(record), "no model could take part")
    rows = {int(uid): row for row, uid in enumerate(field.uids)}
    found = []
    for model in record.models:
        row = rows.get(model.uid)
        is_ = (
            (None, 0.0, 0.0, 0.0)
            if row is None
            else (
                float(outcome.epsilons[row]),
                float(outcome.wins[row]),
                float(outcome.win_rates[row]),
                float(outcome.weights[row]),
            )
        )
        found += _model(model, is_)
    winner = next(model.hotkey for model in record.models if model.uid == outcome.winner)
    if record.champion != winner:
        found.append(Difference(Name.TOURNAMENT, "champion", record.champion, winner))
    return concluded(Name.TOURNAMENT, found, f"uid {outcome.winner} wins, as published")


def field_of(record: RoundRecord) -> Field:
    """The field of a record: NaN of who was not scored to the end, infinity of who failed.

    Losses page by page are with it, for the modes that compare so.
    """
    models = [
        model
        for model in record.models
        if model.outcome not in (Outcome.BAD_HASH, Outcome.INADMISSIBLE)
    ]
    plan = plan_of(record)
    return Field.of(
        [model.uid for model in models],
        [model.block for model in models],
        scores=[_played(model) for model in models],
        losses=weighed_losses(record, plan, models) if plan is not None and models else None,
        digests=[model.digest for model in models],
    )


def _played(model: ModelRecord) -> float:
    if model.outcome == Outcome.MODEL:
        return math.inf
    return math.nan if model.score is None else model.score


def _score(
    record: RoundRecord, model: ModelRecord, competition: Competition, failed: set[str]
) -> float | None:
    raw = {
        task.name: task_loss(
            model.losses.get(task.name, (None,) * len(task.pages)),
            [page.sequences for page in task.pages],
        )
        for task in record.tasks
        if task.missing is None and len(model.losses.get(task.name, task.pages)) == len(task.pages)
    }
    try:
        total = aggregate(competition.tasks, raw, failed)
    except InputError:
        return None
    return None if total is None or not math.isfinite(total.value) else total.value


def _nothing(record: RoundRecord) -> Iterator[Difference]:
    if record.champion is not None:
        yield Difference(Name.TOURNAMENT, "champion", record.champion, None)
    for model in record.models:
        yield from _model(model, (None, 0.0, 0.0, 0.0))


def _model(
    model: ModelRecord, is_: tuple[float | None, float, float, float]
) -> Iterator[Difference]:
    said = (model.epsilon, float(model.wins), model.win_rate, model.weight)
    for what, published, found in zip(
        ("epsilon", "wins", "win rate", "weight"), said, is_, strict=True
    ):
        unsaid = what == "epsilon" and (published is None or found is None)
        if not unsaid and differs(published, found, ROUNDING):
            yield Difference(Name.TOURNAMENT, f"uid {model.uid}, {what}", published, found)
