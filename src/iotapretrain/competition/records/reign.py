"""Who is champion of a competition: now, by the stake of those who say so or else by incentive; and
round by round, by one validator's records (the paper's figure 2).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iotapretrain.competition.records.committed import CommittedModel, Ground, model_commitment
from iotapretrain.competition.records.opinions import Opinion
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord, champion_of
from iotapretrain.observe.loss_chart import loss_chart
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.sampling import skipped_blocks

CANDIDATES = 5
"""Places by incentive among which the best is looked for where no record names one (13)."""


@dataclass(frozen=True)
class ChampionReign:
    """A round's champion: who, its loss on that round's pages, and whether the crown was new."""

    round: int
    block: int
    uid: int
    hotkey: str
    commitment: str
    loss: float
    models: int
    crowned: bool
    skipped: int = 0
    """Sync blocks without a record of the competition, since the record before."""
    twice: bool = False
    """An earlier repository of the validator has another record of this round."""


def champion_now(ground: Ground, models: int, opinions: Sequence[Opinion]) -> CommittedModel | None:
    """The champion among the models of this id; None where nobody has committed one."""
    return crowned(opinions) or by_incentive(ground, models, opinions)


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


def unrecorded(records: Iterable[RoundRecord], head: int, cadence: int) -> list[int]:
    """Sync blocks without a record, from the earliest of these up to the newest block."""
    recorded = {record.sync_block for record in records}
    return skipped_blocks(recorded, min(recorded), head, cadence) if recorded else []


def reigns(
    records: Iterable[RoundRecord], skipped: Sequence[int] = (), twice: Collection[int] = ()
) -> list[ChampionReign]:
    """Round by round; a round without result, or whose champion has no score, leaves a gap."""
    found: list[ChampionReign] = []
    told = list(records)
    recorded = sorted({record.sync_block for record in told})
    for record in told:
        champion = champion_of(record)
        if champion is None or champion.score is None:
            continue
        last = (found[-1].hotkey, found[-1].commitment) if found else None
        found.append(
            ChampionReign(
                round=record.round,
                block=record.block,
                uid=champion.uid,
                hotkey=champion.hotkey,
                commitment=champion.commitment,
                loss=champion.score,
                models=len(record.models),
                crowned=last != (champion.hotkey, champion.commitment),
                skipped=_between(recorded, record.sync_block, skipped),
                twice=record.round in twice,
            )
        )
    return found


def plot(title: str, reigns: Sequence[ChampionReign], file: Path) -> None:
    """Loss over blocks as PNG, with a mark wherever the crown changed its owner."""
    new = [reign for reign in reigns if reign.crowned]
    with loss_chart(file, "block", title) as axes:
        axes.plot(
            [reign.block for reign in reigns], [reign.loss for reign in reigns], label="champion"
        )
        axes.scatter(
            [reign.block for reign in new], [reign.loss for reign in new], label="a new champion"
        )


def _between(recorded: Sequence[int], block: int, skipped: Sequence[int]) -> int:
    """How many were skipped since the sync block before that has a record."""
    place = bisect_left(recorded, block)
    before = recorded[place - 1] if place else block
    return bisect_left(skipped, block) - bisect_left(skipped, before)
