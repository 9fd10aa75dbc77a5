"""Does the seed follow from the chain?"""

from __future__ import annotations

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.records.round_record import RoundRecord


def check_seed(record: RoundRecord, sync_block: int, block_hash: str) -> Check:
    """The sync block is that of the round's block, and its hash that of the chain."""
    named = (
        ("sync block", str(record.sync_block), str(sync_block)),
        ("hash of the sync block", record.seed_hash, block_hash),
    )
    found = [Difference(Name.SEED, *each) for each in named if each[1] != each[2]]
    return concluded(Name.SEED, found, f"the hash of block {sync_block} is the chain's")
