"""Signed rounds into the index, and who beats whom in the newest ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, final

import msgspec
import numpy as np

from iotapretrain.competition.records.round_field import loss_matrix
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RoundRecord,
    SignedRound,
    champion_of,
    is_sealed,
)
from iotapretrain.dashboard.api_types import Duels
from iotapretrain.dashboard.index import Index, insert
from iotapretrain.rules.competition.wins import count_wins

MOST_DUELISTS = 16
"""Models in the matrix: more cannot be read on a screen."""
KEEP_NEWEST = """
INSERT INTO newest SELECT r.validator, r.competition, m.hotkey, r.round, r.id
    FROM models m JOIN rounds r ON r.id = m.round WHERE r.id = ?
ON CONFLICT DO UPDATE SET number = excluded.number, round = excluded.round
WHERE excluded.number > number
"""
"""The round in which a validator last judged a miner."""
KEEP_BEST = """
INSERT INTO entries
    SELECT r.competition, m."commitment", r.validator, m.hotkey, m.uid, m.block, m.score
    FROM models m JOIN rounds r ON r.id = m.round WHERE r.id = ?
ON CONFLICT DO UPDATE SET score = coalesce(min(score, excluded.score), score, excluded.score)
"""
"""Every model once, with the best score that a validator gave it."""
_OLD = "SELECT id FROM decided WHERE validator_hotkey = :hotkey AND round <= :newest AND size > 0"
_SAID = (
    'SELECT m."commitment" FROM models m JOIN decided r ON r.id = m.round '
    "WHERE r.validator_hotkey = :hotkey"
)
_VALIDATOR = "SELECT id FROM hotkeys WHERE hotkey = :hotkey"
FORGET = (
    f"DELETE FROM models WHERE round IN ({_OLD})",  # noqa: S608 -- statements of our own
    f"DELETE FROM newest WHERE round IN ({_OLD})",  # noqa: S608 -- likewise
    f"DELETE FROM rounds WHERE id IN ({_OLD})",  # noqa: S608 -- likewise
    f'DELETE FROM entries WHERE validator = ({_VALIDATOR}) AND "commitment" NOT IN ({_SAID})',  # noqa: S608 -- likewise
    'DELETE FROM commitments WHERE id NOT IN (SELECT "commitment" FROM entries)',
    'DELETE FROM cards WHERE "commitment" NOT IN (SELECT id FROM commitments)',
)


@final
@dataclass(frozen=True)
class RoundWriter:
    """Writes rounds once each; says whether there was anything new."""

    index: Index
    verify: Callable[[str, bytes, bytes], bool]

    def write(self, rounds: list[SignedRound], size: int = 0) -> int:
        """All rounds that were not there yet, in one batch; their number.

        Each counts with so many bytes of its validator's room; with none if it is our own.
        """
        with self.index.batch() as batch:
            return sum(self._write(batch, signed, size) for signed in rounds)

    def forget(self, hotkey: str, newest: int) -> None:
        """The rounds of a validator up to this one that came from the hub, and all that only they
        say."""
        with self.index.batch() as batch:
            for statement in FORGET:
                batch.execute(statement, {"hotkey": hotkey, "newest": newest})

    def _write(self, batch: sqlite3.Connection, signed: SignedRound, size: int) -> bool:
        record = signed.record
        known = "SELECT id FROM decided WHERE validator_hotkey = ? AND round = ?"
        name = (record.validator, record.round)
        if batch.execute(known, name).fetchone():
            return False
        insert(batch, "rounds", [self._round_row(signed, size)])
        (number,) = batch.execute(known, name).fetchone()
        rows = [{"round": number} | _model_row(record, model) for model in record.models]
        insert(batch, "models", rows)
        batch.execute(KEEP_NEWEST, (number,))
        batch.execute(KEEP_BEST, (number,))
        _keep_duels(batch, record)
        return True

    def _round_row(self, signed: SignedRound, size: int) -> dict[str, Any]:
        record, champion = signed.record, champion_of(signed.record)
        taken = sum(model.pages_scored for model in record.models)
        return {
            **msgspec.structs.asdict(record),
            "digest": signed.digest,
            "sealed": is_sealed(signed, self.verify),
            "champion": champion and champion.hotkey,
            "champion_score": champion and champion.score,
            "champion_epsilon": champion and champion.epsilon,
            "champion_block": champion and champion.block,
            "models": len(record.models),
            "scored": sum(model.score is not None for model in record.models),
            "pages": record.race.pages_of_full_round if record.race else taken,
            "pages_scored": record.race.pages_scored if record.race else taken,
            "tasks": msgspec.json.encode({task.name: task.weight for task in record.tasks}),
            "weights": msgspec.json.encode(record.weights),
            "size": size,
        }


def _model_row(record: RoundRecord, model: ModelRecord) -> dict[str, Any]:
    standings = record.standings.get(str(record.competition), {})
    return {
        **msgspec.structs.asdict(model),
        "reasons": msgspec.json.encode(model.reasons) if model.reasons else None,
        "standing": standings.get(model.hotkey, 0.0),
        "tasks": msgspec.json.encode(model.task_scores) if model.task_scores else None,
    }


def _keep_duels(batch: sqlite3.Connection, record: RoundRecord) -> None:
    """Of the newest round only: who beats whom needs the losses of every page."""
    (newest,) = batch.execute(
        "SELECT max(round) FROM decided WHERE validator_hotkey = ? AND competition = ?",
        (record.validator, record.competition),
    ).fetchone()
    if newest == record.round:
        row = {"competition": record.competition, "validator": record.validator}
        insert(batch, "duels", [row | {"body": msgspec.json.encode(duels_of(record))}])


def duels_of(record: RoundRecord) -> Duels:
    """The best models of a round, by score, against each other (competition, 8.2)."""
    best = sorted(
        (model for model in record.models if model.score is not None and model.losses),
        key=lambda model: (model.score, model.block),
    )[:MOST_DUELISTS]
    if not best:
        return Duels()
    losses = loss_matrix(record.tasks, best)
    blocks = np.array([float(model.block) for model in best])
    epsilons = np.array([model.epsilon or 0.0 for model in best])
    shares: list[list[float | None]] = [[None] * len(best) for _ in best]
    for i, j in combinations(range(len(best)), 2):
        both = losses[[i, j]][:, ~np.isnan(losses[[i, j]]).any(axis=0)]
        if both.size:
            wins = count_wins(both, blocks[[i, j]], epsilons[[i, j]]) / both.shape[1]
            shares[i][j], shares[j][i] = map(float, wins)
    hotkeys, uids = zip(*((model.hotkey, model.uid) for model in best), strict=True)
    return Duels(hotkeys, uids, losses.shape[1], tuple(map(tuple, shares)))
