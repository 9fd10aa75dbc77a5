"""Sync blocks that a validator left without a record."""

from __future__ import annotations

from collections.abc import Iterable

from iotapretrain.rules.sampling import sync_block


def skipped_blocks(recorded: Iterable[int], since: int, until: int, cadence: int) -> list[int]:
    """After the block `since`, without the newest at `until`: its round may still be computing."""
    known = set(recorded)
    start = sync_block(max(since, 0), cadence) + cadence
    return [each for each in range(start, sync_block(until, cadence), cadence) if each not in known]
