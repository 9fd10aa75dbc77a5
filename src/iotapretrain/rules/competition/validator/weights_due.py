"""When a validator sets its weights, and which: finite, 0 or more, sum 1, registered uids only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

WEIGHTS_EVERY = 300
"""Blocks between two settings: an hour (11.1)."""


@dataclass(frozen=True)
class Row:
    """What the chain says of our own row: when it was set last, and since when the uid is ours."""

    last_update: int
    registered: int
    rate_limit: int

    @property
    def never_set(self) -> bool:
        return self.last_update <= self.registered


def weights_due(row: Row, block: int, every: int = WEIGHTS_EVERY) -> bool:
    """Whether to set weights now: at first as soon as the chain allows it, then at a cadence.

    The chain is asked, not our memory: after a crash nobody here knows whether a setting arrived.
    """
    since = block - row.last_update
    return since >= row.rate_limit and (row.never_set or since >= every)


def chain_weights(weights: Mapping[str, float], uids: Mapping[str, int]) -> dict[int, float]:
    """Weights by uid, of those who are registered now; empty when none of them has any."""
    here = {
        uids[hotkey]: weight
        for hotkey, weight in sorted(weights.items())
        if hotkey in uids and weight > 0 and math.isfinite(weight)
    }
    total = math.fsum(here.values())
    return {uid: weight / total for uid, weight in sorted(here.items())}
