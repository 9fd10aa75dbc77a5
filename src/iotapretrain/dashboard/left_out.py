"""Why records of the hub are not shown, counted by validator and reason: nothing is silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from iotapretrain.dashboard.index import Index, insert


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


def counted(reasons: Mapping[tuple[int, str], Omission]) -> Counter[str]:
    """How many files have each reason."""
    return Counter(map(str, reasons.values()))
