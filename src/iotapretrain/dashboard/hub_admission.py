"""Which records of the hub are shown: whose, and how many of one validator.

What is left out is counted by validator and reason: nothing is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import final

from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.dashboard.index import Index, insert

MOST_RECORDS = 10_000
MOST_BYTES = 256 << 20
"""Of one validator in all, as the hub lists them: the oldest are dropped."""
MOST_AT_A_SYNC_BLOCK = 16
MOST_BYTES_AT_A_SYNC_BLOCK = 32 << 20
"""Of one validator and sync block: a record a competition, and one as large as can be."""
SPARE = 20
"""When records are dropped, so much more than needed: one part in so many."""


class Omission(StrEnum):
    """Why a record is left out; the first that applies."""

    NO_PERMIT = "no-permit"
    OTHER_NETWORK = "other-network"
    NOT_SIGNED = "not-signed"
    AHEAD = "ahead"
    CROWDED = "crowded"
    QUOTA = "quota"
    TWICE = "twice"
    UNREADABLE = "unreadable"
    STRANGER = "stranger"


SKIPPED = "skipped"
"""Sync blocks without a record: no record is left out, but its absence is told in the same way."""
NOBODY = ""
"""In the place of the hotkey: hotkeys that never had a permit are counted together."""

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        Omission.NO_PERMIT: "records of blocks at which it had no permit to validate",
        Omission.OTHER_NETWORK: "records of another network or subnet",
        Omission.NOT_SIGNED: "records that it has not signed",
        Omission.AHEAD: "records of blocks that the chain does not have yet",
        Omission.CROWDED: "records of sync blocks that have their share of records already",
        Omission.QUOTA: "older records beyond the most that are read and kept of one validator",
        Omission.TWICE: "rounds with another record in an earlier repository",
        Omission.UNREADABLE: "files that are no records of rounds",
        Omission.STRANGER: "hotkeys without a permit that name a repository of records",
        SKIPPED: "sync blocks without a record",
    }
)


def keep_counts(index: Index, hotkey: str, counts: Mapping[str, int], now: float) -> bool:
    """Write how many there are by reason; whether that is new."""
    rows = index.rows("SELECT reason, number FROM left_out WHERE hotkey = ?", (hotkey,))
    before = {row["reason"]: row["number"] for row in rows}
    after = {str(reason): number for reason, number in counts.items() if number}
    changed = {reason: number for reason, number in after.items() if before.get(reason) != number}
    if not changed and before.keys() == after.keys():
        return False
    with index.batch() as batch:
        gone = [(hotkey, reason) for reason in before.keys() - after.keys()]
        batch.executemany("DELETE FROM left_out WHERE hotkey = ? AND reason = ?", gone)
        new = [(hotkey, reason, number, now) for reason, number in changed.items()]
        insert(batch, "left_out", new, 4)
    return True


@final
class Permits:
    """Permits change at epochs alone, so that no block needs a look of its own."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def ever(self) -> frozenset[str]:
        """Everybody with a permit at any of the epochs: of nobody else are records asked for."""
        rows = self._index.rows("SELECT DISTINCT address FROM neurons WHERE permit")
        return frozenset(row["address"] for row in rows)

    def at(self, hotkey: str, block: int) -> bool:
        """By the last epoch until this block, or by the earliest that is known."""
        row = self._index.row(
            "SELECT permit FROM neurons WHERE address = ? "
            "AND block = coalesce((SELECT max(block) FROM epochs WHERE block <= ?), "
            "(SELECT min(block) FROM epochs))",
            (hotkey, block),
        )
        return row is not None and bool(row["permit"])


@final
class Quota:
    """Counts records that came from the hub; those of one's own folder have no size."""

    def __init__(
        self, index: Index, most_records: int = MOST_RECORDS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._index = index
        self.most_records, self.most_bytes = most_records, most_bytes

    def has_room(self, signed: SignedRound, size: int) -> bool:
        """Whether its sync block may have one more of its validator."""
        record = signed.record
        row = self._index.row(
            "SELECT count(*) n, coalesce(sum(size), 0) bytes FROM decided WHERE "
            "validator_hotkey = ? AND sync_block = ? AND size > 0",
            (record.validator, record.sync_block),
        )
        return row is None or (
            row["n"] < MOST_AT_A_SYNC_BLOCK and row["bytes"] + size <= MOST_BYTES_AT_A_SYNC_BLOCK
        )

    def overdue(self, hotkey: str) -> int | None:
        """The newest of the rounds that must be dropped; None while all may stay."""
        rows = self._index.rows(
            "SELECT round, size FROM decided WHERE validator_hotkey = ? AND size > 0 "
            "ORDER BY round DESC",
            (hotkey,),
        )
        kept = self._kept([row["size"] for row in rows], self.most_records, self.most_bytes)
        if kept == len(rows):
            return None
        part = 1 - 1 / SPARE
        spare = self._kept(
            [row["size"] for row in rows], int(self.most_records * part), self.most_bytes * part
        )
        return int(rows[spare]["round"])

    @staticmethod
    def _kept(sizes: list[int], most_records: int, most_bytes: float) -> int:
        """How many, from the newest on, fit."""
        kept, total = 0, 0
        for size in sizes[:most_records]:
            total += size
            if total > most_bytes:
                break
            kept += 1
        return kept
