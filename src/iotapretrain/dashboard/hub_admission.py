"""Which records of the hub are shown: whose, and how many of one validator.

What is left out is counted by validator and reason: nothing is silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import final

from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.dashboard.index import Index

MOST_RECORDS = 10_000
MOST_BYTES = 256 << 20
"""Of one validator in all, as the hub lists them: the oldest are dropped."""
MOST_AT_A_SYNC_BLOCK = 16
MOST_BYTES_AT_A_SYNC_BLOCK = 32 << 20
"""Of one validator and sync block: a record a competition, and one as large as can be."""
SPARE = 20
"""When records are dropped, so much more than needed: one part in so many."""


class Omission(StrEnum):
    """Why a record is left out, the first that applies; with the sentence that says so."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Omission:
        member = str.__new__(cls, code)
        member._value_, member.sentence = code, sentence
        return member

    NO_PERMIT = "no-permit", "records of blocks at which it had no permit to validate"
    OTHER_NETWORK = "other-network", "records of another network or subnet"
    NOT_SIGNED = "not-signed", "records that it has not signed"
    AHEAD = "ahead", "records of blocks that the chain does not have yet"
    CROWDED = "crowded", "records of sync blocks that have their share of records already"
    QUOTA = "quota", "older records beyond the most that are read and kept of one validator"
    TWICE = "twice", "rounds with another record in an earlier repository"
    UNREADABLE = "unreadable", "files that are no records of rounds"
    STRANGER = "stranger", "hotkeys without a permit that name a repository of records"
    SKIPPED = "skipped", "sync blocks without a record"
    """No record is left out, but its absence is told in the same way."""


SENTENCES = {str(each): each.sentence for each in Omission}
KEEP_COUNT = """
INSERT INTO left_out VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET number = excluded.number, time = excluded.time
WHERE number != excluded.number
"""
"""A number that is still the same keeps its time."""
NOBODY = ""
"""In the place of the hotkey: hotkeys that never had a permit are counted together."""


def keep_counts(index: Index, hotkey: str, counts: Mapping[str, int], now: float) -> bool:
    """Write how many there are by reason; whether that is new."""
    told = {str(reason): counts.get(reason, 0) for reason in Omission}
    none = [(hotkey, reason) for reason, number in told.items() if not number]
    some = [(hotkey, reason, number, now) for reason, number in told.items() if number]
    with index.batch() as batch:
        before = batch.total_changes
        batch.executemany("DELETE FROM left_out WHERE hotkey = ? AND reason = ?", none)
        batch.executemany(KEEP_COUNT, some)
        return batch.total_changes > before


def ever_permitted(index: Index) -> frozenset[str]:
    """Everybody with a permit at any of the epochs: of nobody else are records asked for."""
    rows = index.rows("SELECT DISTINCT address FROM neurons WHERE permit")
    return frozenset(row["address"] for row in rows)


def had_permit(index: Index, hotkey: str, block: int) -> bool:
    """By the last epoch until this block, or by the earliest that is known: permits change at
    epochs alone, which the dashboard follows anyway."""
    row = index.row(
        "SELECT permit FROM neurons WHERE address = ? AND block = coalesce("
        "(SELECT max(block) FROM epochs WHERE block <= ?), (SELECT min(block) FROM epochs))",
        (hotkey, block),
    )
    return row is not None and bool(row["permit"])


@final
@dataclass(frozen=True)
class Quota:
    """Counts records that came from the hub; those of one's own folder have no size."""

    index: Index
    most_records: int = MOST_RECORDS
    most_bytes: int = MOST_BYTES

    def has_room(self, signed: SignedRound, size: int) -> bool:
        """Whether its sync block may have one more of its validator."""
        record = signed.record
        (row,) = self.index.rows(
            "SELECT count(*) n, coalesce(sum(size), 0) bytes FROM decided WHERE "
            "validator_hotkey = ? AND sync_block = ? AND size > 0",
            (record.validator, record.sync_block),
        )
        room = MOST_BYTES_AT_A_SYNC_BLOCK - int(row["bytes"])
        return size <= room and int(row["n"]) < MOST_AT_A_SYNC_BLOCK

    def overdue(self, hotkey: str) -> int | None:
        """The newest of the rounds that must be dropped; None while all may stay."""
        rows = self.index.rows(
            "SELECT round, size FROM decided WHERE validator_hotkey = ? AND size > 0 "
            "ORDER BY round DESC",
            (hotkey,),
        )
        sizes = [row["size"] for row in rows]
        if self._fit(sizes, 1.0) == len(rows):
            return None
        return int(rows[self._fit(sizes, 1 - 1 / SPARE)]["round"])

    def _fit(self, sizes: Sequence[int], part: float) -> int:
        """How many, from the newest on, fit into this part of the room."""
        totals = accumulate(sizes[: int(self.most_records * part)])
        return sum(total <= self.most_bytes * part for total in totals)
