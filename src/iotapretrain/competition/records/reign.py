"""Who is champion of a competition: by the stake of those who say so, else by incentive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from iotapretrain.competition.records.committed import CommittedModel, Ground, model_commitment
from iotapretrain.competition.records.opinions import Opinion
from iotapretrain.competition.records.round_record import ModelRecord
from iotapretrain.rules.competition.attempts import Outcome

CANDIDATES = 5
"""Places by incentive among which the best is looked for where no record names one (13)."""


def crowned(opinions: Sequence[Opinion]) -> CommittedModel | None:
    """The model that most stake crowned in its newest record; of equals the earliest commitment.

    It is the model as it was scored: its owner may have replaced the commitment since.
    """
    stake: dict[tuple[str, str], int] = {}
    models: dict[tuple[str, str], CommittedModel] = {}
    for opinion in opinions:
        model = None if opinion.champion is None else scored(opinion.champion)
        if model is not None:
            key = model.hotkey, model.commitment.text
            stake[key] = stake.get(key, 0) + opinion.source.stake
            models.setdefault(key, model)
    best = min(models, key=lambda key: (-stake[key], models[key].block, key), default=None)
    return None if best is None else models[best]


def scored(record: ModelRecord) -> CommittedModel | None:
    """The model that a record speaks of; None where its commitment is none."""
    commitment = model_commitment(record.commitment)
    if commitment is None:
        return None
    return CommittedModel(record.hotkey, record.uid, record.block, commitment, record.score)


def by_incentive(
    ground: Ground, models: int, opinions: Iterable[Opinion] = ()
) -> CommittedModel | None:
    """Of the five uids with most incentive the first whose commitment names the competition (13).

    Without any incentive yet, the earliest commitment that no record refuses.
    """
    committed = list(ground.models(models))
    incentive = ground.metagraph.incentive
    order = sorted(range(len(incentive)), key=lambda uid: (-incentive[uid], uid))[:CANDIDATES]
    paid = (model for uid in order for model in committed if model.uid == uid and incentive[uid])
    refused = {
        (each.hotkey, each.commitment)
        for opinion in opinions
        for each in opinion.record.models
        if each.outcome != Outcome.EVALUATED
    }
    open_ = [each for each in committed if (each.hotkey, each.commitment.text) not in refused]
    earliest = min(open_, key=lambda model: (model.block, model.uid), default=None)
    return next(paid, earliest)


def with_loss(model: CommittedModel, opinions: Iterable[Opinion]) -> CommittedModel:
    """The model with its score from the first record that has one for just this commitment."""
    for opinion in opinions:
        for record in opinion.record.models:
            same = (record.hotkey, record.commitment) == (model.hotkey, model.commitment.text)
            if same and record.score is not None:
                return replace(model, loss=record.score)
    return model
