"""Who stands where in a competition, by the newest record of most stake and by the chain."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from iotapretrain.competition.round_record import ModelRecord, RoundRecord
from iotapretrain.competition.standing.committed import CommittedModel, Ground
from iotapretrain.competition.standing.opinions import Opinion, Silence

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


def leaderboard(
    name: str,
    competition: int,
    models: int,
    ground: Ground,
    opinions: Sequence[Opinion],
    silences: Sequence[Silence],
) -> Leaderboard:
    """Judgements by the validator with most stake; `models` is the id of commitments."""
    opinion = opinions[0] if opinions else None
    record = None if opinion is None else opinion.record
    rows = [_row(model, ground, record, competition) for model in ground.models(models)]
    return Leaderboard(
        name, ground.block, opinion, tuple(silences), tuple(sorted(rows, key=_order))
    )


def _row(
    model: CommittedModel, ground: Ground, record: RoundRecord | None, competition: int
) -> Row:
    judged = None if record is None else _judged(model, record)
    averages = {} if record is None else record.standings.get(str(competition), {})
    return Row(
        uid=model.uid,
        hotkey=model.hotkey,
        repository=str(model.repository),
        block=model.block,
        loss=None if judged is None else judged.score,
        win_rate=None if judged is None or judged.score is None else judged.win_rate,
        standing=averages.get(model.hotkey),
        incentive=float(ground.metagraph.incentive[model.uid]),
        emission=int(ground.metagraph.emission[model.uid]),
        state=UNJUDGED if judged is None or record is None else state(judged, record),
    )


def _judged(model: CommittedModel, record: RoundRecord) -> ModelRecord | None:
    """What a record says of just this commitment."""
    same = (
        judged
        for judged in record.models
        if (judged.hotkey, judged.commitment) == (model.hotkey, model.commitment.text)
    )
    return next(same, None)


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
