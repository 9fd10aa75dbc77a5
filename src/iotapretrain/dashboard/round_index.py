"""Signed rounds into the index, and who beats whom in the newest ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
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
from iotapretrain.dashboard.index import Index, insert, key_of
from iotapretrain.rules.competition.wins import count_wins

Verify = Callable[[str, bytes, bytes], bool]
KEYS_AT_HAND = 100_000
MOST_DUELISTS = 16
"""Models in the matrix: more cannot be read on a screen."""
KEEP_NEWEST = """
INSERT INTO newest VALUES (:validator, :competition, :hotkey, :number, :round)
ON CONFLICT DO UPDATE SET number = excluded.number, round = excluded.round
WHERE excluded.number > number
"""
"""The round in which a validator last judged a miner."""
KEEP_BEST = """
INSERT INTO entries
VALUES (:competition, :commitment, :validator, :hotkey, :uid, :block, :score)
ON CONFLICT DO UPDATE SET score = coalesce(min(score, excluded.score), score, excluded.score)
"""
"""Every model once, with the best score that a validator gave it."""
_OLD = "SELECT id FROM rounds WHERE validator = :validator AND round <= :newest AND size > 0"
_SAID = (
    'SELECT m."commitment" FROM models m JOIN rounds r ON r.id = m.round '
    "WHERE r.validator = :validator"
)
FORGET = (
    f"DELETE FROM models WHERE round IN ({_OLD})",  # noqa: S608 -- statements of our own
    f"DELETE FROM newest WHERE round IN ({_OLD})",  # noqa: S608 -- likewise
    f"DELETE FROM rounds WHERE id IN ({_OLD})",  # noqa: S608 -- likewise
    f'DELETE FROM entries WHERE validator = :validator AND "commitment" NOT IN ({_SAID})',  # noqa: S608 -- likewise
    'DELETE FROM commitments WHERE id NOT IN (SELECT "commitment" FROM entries)',
    'DELETE FROM cards WHERE "commitment" NOT IN (SELECT id FROM commitments)',
)


@final
class RoundWriter:
    """Writes rounds once each; says whether there was anything new."""

    def __init__(self, index: Index, verify: Verify) -> None:
        self._index, self._verify = index, verify
        self._keys: dict[tuple[str, str], int] = {}

    def write(self, rounds: list[SignedRound], size: int = 0) -> int:
        """All rounds that were not there yet, in one batch; their number.

        Each counts with so many bytes of its validator's room; with none if it is our own.
        """
        if len(self._keys) > KEYS_AT_HAND:
            self._keys.clear()
        try:
            with self._index.batch() as batch:
                return sum(self._write(batch, signed, size) for signed in rounds)
        except sqlite3.Error:
            self._keys.clear()  # they may be numbers of rows that were taken back
            raise

    def forget(self, hotkey: str, newest: int) -> None:
        """The rounds of a validator up to this one that came from the hub, and all that only they
        say."""
        self._keys.clear()
        with self._index.batch() as batch:
            validator = key_of(batch, "hotkeys", "hotkey", hotkey)
            for statement in FORGET:
                batch.execute(statement, {"validator": validator, "newest": newest})

    def _write(self, batch: sqlite3.Connection, signed: SignedRound, size: int) -> bool:
        record = signed.record
        validator = self._key(batch, "hotkeys", "hotkey", record.validator)
        if batch.execute(
            "SELECT 1 FROM rounds WHERE validator = ? AND round = ?", (validator, record.round)
        ).fetchone():
            return False
        insert(batch, "rounds", [self._round_row(batch, signed, validator, size)])
        (number,) = batch.execute("SELECT last_insert_rowid()").fetchone()
        round_ = {
            "validator": validator,
            "competition": record.competition,
            "number": record.round,
            "round": number,
        }
        rows = [round_ | self._model_row(batch, record, model) for model in record.models]
        insert(batch, "models", rows)
        batch.executemany(KEEP_NEWEST, rows)
        batch.executemany(KEEP_BEST, rows)
        self._keep_duels(batch, record, validator)
        return True

    def _round_row(
        self, batch: sqlite3.Connection, signed: SignedRound, validator: int, size: int
    ) -> dict[str, Any]:
        record = signed.record
        champion = champion_of(record)
        taken = sum(model.pages_scored for model in record.models)
        return {
            **msgspec.structs.asdict(record),
            "validator": validator,
            "digest": signed.digest,
            "sealed": is_sealed(signed, self._verify),
            "champion": champion and self._key(batch, "hotkeys", "hotkey", champion.hotkey),
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

    def _model_row(
        self, batch: sqlite3.Connection, record: RoundRecord, model: ModelRecord
    ) -> dict[str, Any]:
        standings = record.standings.get(str(record.competition), {})
        return {
            **msgspec.structs.asdict(model),
            "hotkey": self._key(batch, "hotkeys", "hotkey", model.hotkey),
            "commitment": self._key(batch, "commitments", "text", model.commitment),
            "reasons": msgspec.json.encode(model.reasons) if model.reasons else None,
            "standing": standings.get(model.hotkey, 0.0),
            "tasks": msgspec.json.encode(model.task_scores) if model.task_scores else None,
        }

    def _keep_duels(self, batch: sqlite3.Connection, record: RoundRecord, validator: int) -> None:
        """Of the newest round only: who beats whom needs the losses of every page."""
        newest = batch.execute(
            "SELECT max(round) FROM rounds WHERE validator = ? AND competition = ?",
            (validator, record.competition),
        ).fetchone()[0]
        if newest == record.round:
            body = msgspec.json.encode(duels_of(record))
            row = {"competition": record.competition, "validator": validator, "body": body}
            insert(batch, "duels", [row])

    def _key(self, batch: sqlite3.Connection, table: str, column: str, text: str) -> int:
        found = self._keys.get((table, text))
        if found is None:
            found = self._keys[table, text] = key_of(batch, table, column, text)
        return found


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
