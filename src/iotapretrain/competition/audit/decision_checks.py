"""Do scores follow from the losses, wins, weights and champion from the scores, and was nobody
dropped from the race who could have won?
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from iotapretrain.competition.audit.check import (
    Check,
    Difference,
    Name,
    concluded,
    differs,
    unequal,
)
from iotapretrain.competition.records.round_field import (
    entrants,
    field_of,
    loss_matrix,
    plan_of,
    score_of,
)
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.race import PagePlan, Race, raceable, wanted_pages
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.tournament import DecidedRound, Placed, play
from iotapretrain.rules.sampling import seed_of

ROUNDING = 1e-9
"""What sums in another order may differ by; nobody computes anything anew here but sums."""


_race = partial(Difference, Name.RACE)


def check_scores(record: RoundRecord, competition: Competition) -> Check:
    """Each published score against the one that the published losses add up to."""
    without = [task.name for task in record.tasks if task.missing is not None]
    found = []
    for model in record.models:
        if model.outcome == Outcome.EVALUATED and not model.raced_out:
            try:
                total = score_of(record.tasks, model.losses, competition.tasks, without)
            except InputError:
                total = None
            score = total.value if total is not None and math.isfinite(total.value) else None
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
    places, winner, holds = outcome.places, None, "no model could take part"
    if isinstance(outcome, DecidedRound):
        winner = next(model.hotkey for model in record.models if model.uid == outcome.winner)
        holds = f"uid {outcome.winner} wins, as published"
    found = [
        difference
        for model in record.models
        for difference in _model(model, places.get(model.uid, Placed()))
    ]
    found += unequal(Name.TOURNAMENT, ("champion", record.champion, winner))
    return concluded(Name.TOURNAMENT, found, holds)


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


def _model(model: ModelRecord, place: Placed) -> Iterator[Difference]:
    named = (
        ("epsilon", model.epsilon, place.epsilon),
        ("wins", float(model.wins), float(place.wins)),
        ("win rate", model.win_rate, place.win_rate),
        ("weight", model.weight, place.weight),
    )
    for what, published, found in named:
        unsaid = what == "epsilon" and (published is None or found is None)
        if not unsaid and differs(published, found, ROUNDING):
            yield Difference(Name.TOURNAMENT, f"uid {model.uid}, {what}", published, found)
