"""Which neuron a newcomer replaces on a full subnet (Yuma, section 13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A neuron: emission of the last epoch, block of registration, a key of the owner's or not."""

    emission: int
    registered: int
    owner_key: bool = False


def uid_to_replace(
    neurons: Sequence[Candidate],
    block: int,
    immunity_period: int,
    min_non_immune: int,
    owner_limit: int,
    owner_uid: int | None,
) -> int | None:
    """The uid of the neuron that goes, None if none can; `neurons` are in the order of uid.

    The one with the least emission goes, of equal ones the oldest; immune ones only where too few
    others are left, the owner's first keys never.
    """
    immortal = _immortal(neurons, owner_limit, owner_uid)
    mortal = [
        (neuron.emission, neuron.registered, uid)
        for uid, neuron in enumerate(neurons)
        if uid not in immortal
    ]
    immune = [entry for entry in mortal if block - entry[1] < immunity_period]
    others = [entry for entry in mortal if block - entry[1] >= immunity_period]
    candidates = others if len(others) > min_non_immune else immune
    return min(candidates)[-1] if candidates else None


def _immortal(neurons: Sequence[Candidate], limit: int, owner_uid: int | None) -> list[int]:
    """The owner's keys that are never replaced: the designated one, then the oldest."""
    owned = [(neuron.registered, uid) for uid, neuron in enumerate(neurons) if neuron.owner_key]
    kept = [uid for _, uid in sorted(owned)[:limit]]
    if owner_uid is not None and owner_uid not in kept:
        kept = [owner_uid, *kept][:limit]
    return kept
