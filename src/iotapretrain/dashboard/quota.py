"""How much of the index one validator may take: the rest of the network must have room too."""

from __future__ import annotations

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
            "SELECT count(*) n, coalesce(sum(r.size), 0) bytes FROM rounds r JOIN hotkeys h ON "
            "h.id = r.validator WHERE h.hotkey = ? AND r.sync_block = ? AND r.size > 0",
            (record.validator, record.sync_block),
        )
        return row is None or (
            row["n"] < MOST_AT_A_SYNC_BLOCK and row["bytes"] + size <= MOST_BYTES_AT_A_SYNC_BLOCK
        )

    def overdue(self, hotkey: str) -> int | None:
        """The newest of the rounds that must be dropped; None while all may stay."""
        rows = self._index.rows(
            "SELECT r.round, r.size FROM rounds r JOIN hotkeys h ON h.id = r.validator "
            "WHERE h.hotkey = ? AND r.size > 0 ORDER BY r.round DESC",
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
