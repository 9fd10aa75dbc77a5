"""Were the models that left the race rightly dropped, and everybody else scored to the end?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.records.record_pages import losses_of, plan_of
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.race import PagePlan, Race, progress, raceable
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.sampling import seed_of


def check_race(record: RoundRecord, competition: Competition, block_hash: str) -> Check:
    """The rule is run again on the published losses: it must want none that is not there."""
    plan = plan_of(record, seed_of(f"0x{block_hash}"))
    if record.race is None or plan is None:
        found = [_early(model) for model in record.models if model.raced_out]
        return concluded(Name.RACE, found, "there was none: all was scored")
    if not raceable(competition.rules, competition.tasks):
        found = [Difference(Name.RACE, "race", "held", f"not for {competition.name}")]
        return concluded(Name.RACE, found, "")
    try:
        found = list(_wanting(record, competition, plan, Race(record.race.error_probability)))
    except InputError as error:
        found = [Difference(Name.RACE, "race", "held", str(error))]
    out = sum(model.raced_out for model in record.models)
    return concluded(Name.RACE, found, f"{out} left it, and could no longer win")


def _wanting(
    record: RoundRecord, competition: Competition, plan: PagePlan, race: Race
) -> Iterator[Difference]:
    running = _running(record)
    losses = np.array([losses_of(record, model) for model in running])
    if not running:
        return
    field = Field.of(range(len(running)), [model.block for model in running], losses=losses)
    epsilon = competition.rules.epsilon
    advantages = np.maximum(epsilon.at(field.ages(record.block)), epsilon.floor)
    wanted = progress(race, plan, field, advantages).wanted
    for model, row, pages in zip(running, losses, wanted.tolist(), strict=True):
        missing = int(np.isnan(row[plan.order[:pages]]).sum())
        if missing or (model.raced_out and not np.isnan(row).any()):
            scored = f"left after {np.isfinite(row).sum()} of {len(plan)} pages"
            yield Difference(Name.RACE, f"uid {model.uid}", scored, f"wanted on {pages}")


def _running(record: RoundRecord) -> list[ModelRecord]:
    """One model of each content, the earliest, of those that were scored."""
    first: dict[str | None, ModelRecord] = {}
    for model in sorted(record.models, key=lambda each: (each.block, each.uid)):
        if model.outcome == Outcome.EVALUATED:
            first.setdefault(model.digest, model)
    return list(first.values())


def _early(model: ModelRecord) -> Difference:
    return Difference(Name.RACE, f"uid {model.uid}", "left the race", "there was none")
