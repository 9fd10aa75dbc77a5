"""A merge of one stage: from what its members sent to the next base, the same bytes for everybody.

    announced -> received -> bounded -> not against the rest -> reduced -> outer step -> digest

Sums and products place by place, in the order of hotkeys, are the same bits on every machine;
nothing else decides. Weights are whole numbers (verified samples) in a running mean: it gives equal
tensors back, which sums of products do not. Every norm is bounded by the median. While fewer than
half of the members lie, a merge by `mean` is no longer than the longest honest contribution M, and
liars with a share s of the capped weights move it by at most 2 s M. By `trimmed`, a fifth of
those that are merged cannot move any number out of the range of the honest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.merge_codes import LARGEST, Floats, MergeCode

PIECE = 1 << 20
"""Parameters that are announced, and cut into shards, together: whole blocks of every code."""
LEAST_TO_JUDGE = 3  # of two that point against each other nobody knows which is wrong
TRIMMED = 5  # one of so many, at either end
GROWING_EPOCHS = 20
_AT_A_TIME = 1 << 16


class MergeOutcome(StrEnum):
    """What became of a member's contribution; only the first two are in the merge."""

    MERGED = "merged"
    BOUNDED = "bounded"  # merged, as long as the median
    WORKLESS = "workless"  # no verified samples: no vote on the median either
    MISSING = "missing"
    LATE = "late"  # stays in the member's residual
    SIZE = "size"
    DIGEST = "digest"  # other bytes than announced
    NUMBERS = "numbers"  # some are none, or not below 2^100
    AGAINST = "against"  # points against the rest: it waits for a verdict, the merge does not
    CONVICTED = "convicted"


@dataclass(frozen=True)
class Announcement:
    """What a member bound itself to before it could see what others sent: digests by piece."""

    hotkey: str
    weight: int
    digests: tuple[bytes, ...]


@dataclass(frozen=True, eq=False)
class Contribution:
    """What a member sent, decoded."""

    weight: int
    values: Floats


Found = Contribution | MergeOutcome
"""What came of an announcement."""


def announced_digests(hotkey: str, content: bytes, code: MergeCode) -> tuple[bytes, ...]:
    """Bound to their sender: who announces another's digests cannot answer with its bytes."""
    size = code.size(PIECE)
    pieces = (content[first : first + size] for first in range(0, len(content), size))
    return tuple(blake3(hotkey.encode() + b"\0" + each).digest() for each in pieces)


def received(
    said: Announcement, sent: Sequence[tuple[int, bytes]], deadline: int, code: MergeCode, size: int
) -> Found:
    """What a member announced, or what is wrong with the best of `sent`: times and bytes."""
    if said.weight < 1:
        return MergeOutcome.WORKLESS
    timely = [content for at, content in sent if at <= deadline]
    if not timely:
        return MergeOutcome.LATE if sent else MergeOutcome.MISSING
    fitting = [each for each in timely if len(each) == code.size(size)]
    if not fitting:
        return MergeOutcome.SIZE
    digests = [announced_digests(said.hotkey, each, code) for each in fitting]
    if said.digests not in digests:
        return MergeOutcome.DIGEST
    values = code.decode(fitting[digests.index(said.digests)], size)
    finite = np.abs(values).max(initial=0) < LARGEST
    return Contribution(said.weight, values) if finite else MergeOutcome.NUMBERS


def reduced(
    found: Mapping[str, Found], reducer: str, least: int, verdicts: Mapping[str, bool]
) -> tuple[Floats | None, dict[str, MergeOutcome]]:
    """The direction of the outer step, None where fewer than `least` are left, and all outcomes.

    `found` is by hotkey, of a stage or of one shard; `verdicts` clear (True) or convict (False).
    """
    standing = {
        hotkey: each
        for hotkey, each in sorted(found.items())
        if isinstance(each, Contribution) and verdicts.get(hotkey, True)
    }
    bounded = _bounded(standing)
    against = _against(bounded) - verdicts.keys()
    kept = [each for hotkey, each in bounded.items() if hotkey not in against]
    outcomes = {
        hotkey: each if isinstance(each, MergeOutcome) else MergeOutcome.CONVICTED
        for hotkey, each in found.items()
    }
    for hotkey, each in bounded.items():
        whole = each.values is standing[hotkey].values
        outcomes[hotkey] = MergeOutcome.MERGED if whole else MergeOutcome.BOUNDED
    outcomes |= dict.fromkeys(against, MergeOutcome.AGAINST)
    return REDUCERS[reducer](kept) if len(kept) >= max(least, 1) else None, outcomes


def _bounded(standing: Mapping[str, Contribution]) -> dict[str, Contribution]:
    """No norm above the (lower) median, no weight above twice the median."""
    norms = {hotkey: sqrt(_dot(each.values, each.values)) for hotkey, each in standing.items()}
    middle = slice((len(norms) - 1) // 2, len(norms) // 2 + 1)  # of an even number, two
    median = min(sorted(norms.values())[middle], default=0)
    weights = sorted(each.weight for each in standing.values())[middle]
    bounded = {}
    for hotkey, each in standing.items():
        long, weight = norms[hotkey] > median, min(each.weight, weights[0] + weights[-1])
        values = each.values * np.float32(median / norms[hotkey]) if long else each.values
        bounded[hotkey] = Contribution(weight, values)
    return bounded


def _against(bounded: Mapping[str, Contribution]) -> set[str]:
    """Whose cosine to the mean of the others is below 0."""
    if len(bounded) < LEAST_TO_JUDGE:
        return set()
    own = {key: np.multiply(e.values, e.weight, dtype=np.float64) for key, e in bounded.items()}
    total = np.add.reduce([*own.values()])
    return {key for key in own if _dot(bounded[key].values, total - own[key]) < 0}


def _dot(left: npt.NDArray[np.floating], right: npt.NDArray[np.floating]) -> float:
    """In float64; halves are added to each other place by place, the same on every machine."""
    total = 0.0
    for first in range(0, len(left), _AT_A_TIME):
        part = slice(first, first + _AT_A_TIME)
        terms = np.multiply(left[part], right[part], dtype=np.float64)
        while len(terms) > 1:
            terms, rest = np.split(terms, [(len(terms) + 1) // 2])
            terms[: len(rest)] += rest
        total += float(terms[0])
    return total


def _mean(kept: Sequence[Contribution]) -> Floats:
    mean, total = np.zeros_like(kept[0].values), 0
    for each in kept:
        total += each.weight
        mean += (each.values - mean) * np.float32(each.weight / total)
    return mean


def _trimmed_mean(kept: Sequence[Contribution]) -> Floats:
    """All weigh alike: by weights, one could be more than what is trimmed."""
    ends = len(kept) // TRIMMED
    ordered = np.sort([each.values for each in kept], axis=0)
    return _mean([Contribution(1, each) for each in ordered[ends : len(kept) - ends]])


REDUCERS = MappingProxyType({"mean": _mean, "trimmed": _trimmed_mean})


@dataclass(frozen=True)
class OuterRule:
    """SGD with Nesterov's momentum, which grows for 20 epochs; 0 to 0 is plain SGD."""

    rate: float = 0.7
    first_momentum: float = 0.5
    last_momentum: float = 0.9

    def __post_init__(self) -> None:
        if not (0 < self.rate <= 2 and 0 <= self.first_momentum <= self.last_momentum < 1):
            raise InputError(f"{self}: give a rate up to 2, and momenta that grow, below 1")

    def momentum(self, epoch: int) -> float:
        """Of an epoch, from 0."""
        grown = min(epoch / GROWING_EPOCHS, 1)
        return self.first_momentum + (self.last_momentum - self.first_momentum) * grown

    def step(
        self, base: Floats, velocity: Floats, direction: Floats, epoch: int
    ) -> tuple[Floats, Floats]:
        """The next base and velocity, in float32: v = mu v + g; base - rate (g + mu v)."""
        if not base.shape == velocity.shape == direction.shape:
            raise InputError("an outer step needs a base, a velocity and a direction of one length")
        rate, momentum = np.array((self.rate, self.momentum(epoch)), np.float32)
        velocity = momentum * velocity + direction
        return base - rate * (direction + momentum * velocity), velocity


def base_digest(base: Floats, velocity: Floats) -> bytes:
    """What all members of a stage sign: whoever holds other bytes is not ready."""
    hasher = blake3(len(base).to_bytes(8, "little"))
    for each in (base, velocity):
        hasher.update(np.ascontiguousarray(each, "<f4").view(np.uint8).data)
    return hasher.digest()
