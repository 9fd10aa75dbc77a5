"""Do scores follow from the losses, wins, weights and champion from the scores, and was nobody
dropped from the race who could have won?
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, differs
from iotapretrain.competition.records.round_field import entrants, field_of, loss_matrix, plan_of
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.race import PagePlan, Race, raceable, wanted_pages
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.task_score import aggregate, task_mean
from iotapretrain.rules.competition.tournament import NoResult, play
from iotapretrain.rules.sampling import seed_of

ROUNDING = 1e-9
"""What sums in another order may differ by; nobody computes anything anew here but sums."""
NO_PART: tuple[float | None, float, float, float] = (None, 0.0, 0.0, 0.0)
"""Epsilon, wins, win rate and weight of a model that was not in the field."""


_race = partial(Difference, Name.RACE)


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
        field = field_of(record.tasks, entrants(record))
        outcome = play(field, competition.rules, record.block)
    except InputError as error:
        found = [Difference(Name.TOURNAMENT, "field", "a field of models", str(error))]
        return concluded(Name.TOURNAMENT, found, "")
    if isinstance(outcome, NoResult):
        return concluded(Name.TOURNAMENT, _nothing(record), "no model could take part")
    columns = (outcome.epsilons, outcome.wins, outcome.win_rates, outcome.weights)
    rows = dict(zip(field.uids.tolist(), np.array(columns).T.tolist(), strict=True))
    found = [
        difference
        for model in record.models
        for difference in _model(model, *rows.get(model.uid, NO_PART))
    ]
    winner = next(model.hotkey for model in record.models if model.uid == outcome.winner)
    if record.champion != winner:
        found.append(Difference(Name.TOURNAMENT, "champion", record.champion, winner))
    return concluded(Name.TOURNAMENT, found, f"uid {outcome.winner} wins, as published")


def check_race(record: RoundRecord, competition: Competition, block_hash: str) -> Check:
    """The rule is run again on the published losses: it must want none that is not there."""
    plan = plan_of(record.tasks, seed_of(f"0x{block_hash}"), record.competition)
    if record.race is None or plan is None:
        early = [model for model in record.models if model.raced_out]
        found = [_race(f"uid {model.uid}", "left the race", "there was none") for model in early]
        return concluded(Name.RACE, found, "there was none: all was scored")
    if not raceable(competition.rules, competition.tasks):
        found = [_race("race", "held", f"not for {competition.name}")]
        return concluded(Name.RACE, found, "")
    try:
        found = list(_wanting(record, competition, plan, Race(record.race.error_probability)))
    except InputError as error:
        found = [_race("race", "held", str(error))]
    out = sum(model.raced_out for model in record.models)
    return concluded(Name.RACE, found, f"{out} left it, and could no longer win")


def _wanting(
    record: RoundRecord, competition: Competition, plan: PagePlan, race: Race
) -> Iterator[Difference]:
    running = _running(record)
    if not running:
        return
    losses, blocks = loss_matrix(record.tasks, running), [model.block for model in running]
    epsilon = competition.rules.epsilon
    wanted = wanted_pages(race, plan, losses, blocks, epsilon, record.block)
    for model, row, pages in zip(running, losses, wanted.tolist(), strict=True):
        missing = int(np.isnan(row[plan.order[:pages]]).sum())
        if missing or (model.raced_out and not np.isnan(row).any()):
            scored = f"left after {np.isfinite(row).sum()} of {len(plan)} pages"
            yield _race(f"uid {model.uid}", scored, f"wanted on {pages}")


def _running(record: RoundRecord) -> list[ModelRecord]:
    """One model of each content, the earliest, of those that were scored."""
    first: dict[str | None, ModelRecord] = {}
    for model in sorted(record.models, key=lambda each: (each.block, each.uid)):
        if model.outcome == Outcome.EVALUATED:
            first.setdefault(model.digest, model)
    return list(first.values())


def _score(
    record: RoundRecord, model: ModelRecord, competition: Competition, failed: set[str]
) -> float | None:
    raw = {
        task.name: task_mean(
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
        yield from _model(model, *NO_PART)


def _model(
    model: ModelRecord, epsilon: float | None, wins: float, rate: float, weight: float
) -> Iterator[Difference]:
    named = (
        ("epsilon", model.epsilon, epsilon),
        ("wins", float(model.wins), wins),
        ("win rate", model.win_rate, rate),
        ("weight", model.weight, weight),
    )
    for what, published, found in named:
        unsaid = what == "epsilon" and (published is None or found is None)
        if not unsaid and differs(published, found, ROUNDING):
            yield Difference(Name.TOURNAMENT, f"uid {model.uid}, {what}", published, found)
