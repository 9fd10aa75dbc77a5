"""Who stands where in a competition, by the newest record of most stake and by the chain."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from iotapretrain.competition.records.committed import CommittedModel, Ground
from iotapretrain.competition.records.opinions import Opinion, Silence
from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord

_CODE = re.compile(r"[a-z][a-z_-]{0,40}")

CHAMPION, UNJUDGED = "champion", "not judged yet"


@dataclass(frozen=True)
class Row:
    """A model of the competition. Unknown is None; emission is the uid's of a tempo, in rao."""

    uid: int
    hotkey: str
    repository: str
    block: int
    loss: float | None
    win_rate: float | None
    standing: float | None
    """Its average over rounds in this competition."""
    incentive: float
    emission: int
    state: str


@dataclass(frozen=True)
class Leaderboard:
    """A competition's committed models, best first; `opinion` is whose record they are from."""

    competition: str
    block: int
    opinion: Opinion | None
    silences: tuple[Silence, ...]
    rows: tuple[Row, ...]
    skipped: tuple[int, ...] = ()
    """Sync blocks without a record of it by that validator, since the earliest of those read."""


def leaderboard(
    name: str,
    competition: int,
    models: int,
    ground: Ground,
    opinions: Sequence[Opinion],
    silences: Sequence[Silence],
    records: Sequence[RoundRecord] = (),
    skipped: Sequence[int] = (),
) -> Leaderboard:
    """Judgements by the validator with most stake; `models` is the id of commitments.

    `records` are its records, newest first: a model that has lost is in no later one.
    """
    opinion = opinions[0] if opinions else None
    told = records or ([] if opinion is None else [opinion.record])
    rows = [_row(model, ground, told, competition) for model in ground.models(models)]
    return Leaderboard(
        competition=name,
        block=ground.block,
        opinion=opinion,
        silences=tuple(silences),
        rows=tuple(sorted(rows, key=_order)),
        skipped=tuple(skipped),
    )


def _row(
    model: CommittedModel, ground: Ground, records: Sequence[RoundRecord], competition: int
) -> Row:
    said = newest_word(records, model.hotkey, model.commitment.text)
    judged = None if said is None else said[1]
    averages = records[0].standings.get(str(competition), {}) if records else {}
    return Row(
        uid=model.uid,
        hotkey=model.hotkey,
        repository=str(model.repository),
        block=model.block,
        loss=judged.score if judged else None,
        win_rate=judged.win_rate if judged and judged.score is not None else None,
        standing=averages.get(model.hotkey),
        incentive=float(ground.metagraph.incentive[model.uid]),
        emission=int(ground.metagraph.emission[model.uid]),
        state=UNJUDGED if said is None else _state(*said, records[0]),
    )


def newest_word(
    records: Iterable[RoundRecord], hotkey: str, commitment: str
) -> tuple[RoundRecord, ModelRecord] | None:
    """The first record that speaks of just this commitment, and what it says."""
    for record in records:
        for judged in record.models:
            if (judged.hotkey, judged.commitment) == (hotkey, commitment):
                return record, judged
    return None


def _state(record: RoundRecord, judged: ModelRecord, newest: RoundRecord) -> str:
    """With the round it is from, where that is not the newest: its pages were others."""
    said = state(judged, record)
    if record.round == newest.round:
        return said
    return f"{'evaluated' if said == CHAMPION else said} in round {record.round}"


def state(judged: ModelRecord, record: RoundRecord) -> str:
    """What became of a model in a round, in a word or two; nothing but codes is passed on."""
    if judged.hotkey == record.champion:
        return CHAMPION
    if judged.raced_out:
        return "left the race"
    if judged.reasons:
        return ", ".join(dict.fromkeys(_code(reason.code) for reason in judged.reasons))
    return _code(judged.outcome)


def _code(text: str) -> str:
    return text if _CODE.fullmatch(text) else "unreadable"


def _order(row: Row) -> tuple[bool, float, float, int]:
    loss = math.inf if row.loss is None else row.loss
    return row.state != CHAMPION, loss, -(row.standing or 0.0), row.block
