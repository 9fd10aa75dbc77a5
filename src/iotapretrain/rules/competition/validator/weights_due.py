"""When a validator sets its weights, which (finite, 0 or more, sum 1, registered uids only), and
under which version key (competition, 11.1 and 15.27).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from iotapretrain.errors import InputError

WEIGHTS_EVERY = 300
"""Blocks between two settings: an hour (11.1)."""
LARGEST_PART = 2**21 - 1

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def weights_due(last_update: int, registered: int, rate_limit: int, block: int, every: int) -> bool:
    """Whether to set weights now: at first as soon as the chain allows it, then at a cadence.

    The chain is asked when our row was set last and since when the uid is ours, not our memory:
    after a crash nobody here knows whether a setting arrived.
    """
    since, never_set = block - last_update, last_update <= registered
    return since >= rate_limit and (never_set or since >= every)


def chain_weights(weights: Mapping[str, float], uids: Mapping[str, int]) -> dict[int, float]:
    """Weights by uid, of those who are registered now; empty when none of them has any."""
    here = {
        uids[hotkey]: weight
        for hotkey, weight in sorted(weights.items())
        if hotkey in uids and weight > 0 and math.isfinite(weight)
    }
    total = math.fsum(here.values())
    return {uid: weight / total for uid, weight in sorted(here.items())}


def version_number(version: str) -> int:
    """major 2^42 + minor 2^21 + patch: below 2^63, in the order of versions, no two alike."""
    parts = parse_version(version)
    if max(parts) > LARGEST_PART:
        raise InputError(f"version {version!r}: a part is above {LARGEST_PART}; use smaller ones")
    major, minor, patch = parts
    return major << 42 | minor << 21 | patch


def parse_version(version: str) -> tuple[int, int, int]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InputError(f"version {version!r}: expected three numbers such as 4.6.2")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch
