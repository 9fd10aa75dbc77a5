"""A merge of one stage: from what its members sent to the next base, the same bytes for everybody.

    announced -> received -> bounded -> not against the rest -> reduced -> outer step -> digest

Members announce a digest, then publish. Sums and products place by place, in the order of hotkeys,
are the same bits on every machine; nothing else decides. Weights are whole numbers (verified
samples); they enter a running mean, since sums of products do not give equal tensors back. Every
norm is bounded by the median, not only where it is three times that.

While fewer than half of the members lie, a merge by `mean` is no longer than the longest honest
contribution M, and liars with a share s of the capped weights move it by at most 2 s M. By
`trimmed` a fifth of the members cannot move any number out of the range of the honest.
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

LEAST_TO_JUDGE = 3
"""Of two that point against each other nobody knows which is wrong."""
TRIMMED = 5
"""One of so many is trimmed at either end."""
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
    MALFORMED = "malformed"
    NUMBERS = "numbers"  # some are none, or not below 2^100
    AGAINST = "against"  # points against the rest: it waits for a verdict, the merge does not
    CONVICTED = "convicted"


@dataclass(frozen=True)
class Announcement:
    """What a member bound itself to before it could see what others sent."""

    hotkey: str
    weight: int
    digest: bytes


@dataclass(frozen=True, eq=False)
class Contribution:
    """What a member sent, decoded."""

    weight: int
    values: Floats


@dataclass(frozen=True, eq=False)
class Merged:
    """The direction of the outer step, None where too few were left; and who is in it."""

    direction: Floats | None
    outcomes: Mapping[str, MergeOutcome]


def announced_digest(hotkey: str, content: bytes) -> bytes:
    """Bound to its sender: who announces another's digest cannot open it."""
    return blake3(hotkey.encode() + b"\0" + content).digest()


def received(
    announced: Announcement,
    sent: Sequence[tuple[int, bytes]],
    deadline: int,
    code: MergeCode,
    count: int,
) -> Contribution | MergeOutcome:
    """What a member announced, or what is wrong with the best of `sent`: times and bytes."""
    if announced.weight < 1:
        return MergeOutcome.WORKLESS
    timely = [content for at, content in sent if at <= deadline]
    if not timely:
        return MergeOutcome.LATE if sent else MergeOutcome.MISSING
    fitting = [each for each in timely if len(each) == code.size(count)]
    if not fitting:
        return MergeOutcome.SIZE
    digests = [announced_digest(announced.hotkey, each) for each in fitting]
    if announced.digest not in digests:
        return MergeOutcome.DIGEST
    try:
        values = code.decode(fitting[digests.index(announced.digest)], count)
    except InputError:
        return MergeOutcome.MALFORMED
    finite = np.abs(values).max(initial=0) < LARGEST
    return Contribution(announced.weight, values) if finite else MergeOutcome.NUMBERS


def reduced(
    found: Mapping[str, Contribution | MergeOutcome],
    reducer: str = "mean",
    least: int = 2,
    verdicts: Mapping[str, bool] = MappingProxyType({}),
) -> Merged:
    """A merge, or one shard of it, by hotkey; `verdicts` clear (True) or convict (False)."""
    outcomes: dict[str, MergeOutcome] = {}
    standing: dict[str, Contribution] = {}
    for hotkey, each in sorted(found.items()):
        if isinstance(each, MergeOutcome):
            outcomes[hotkey] = each
        elif verdicts.get(hotkey, True):
            standing[hotkey] = each
        else:
            outcomes[hotkey] = MergeOutcome.CONVICTED
    bounded = _bounded(standing)
    against = _against(bounded) - verdicts.keys()
    for hotkey, each in bounded.items():
        same = each.values is standing[hotkey].values
        outcomes[hotkey] = MergeOutcome.MERGED if same else MergeOutcome.BOUNDED
    outcomes |= dict.fromkeys(against, MergeOutcome.AGAINST)
    kept = [each for hotkey, each in bounded.items() if hotkey not in against]
    return Merged(REDUCERS[reducer](kept) if len(kept) >= max(least, 1) else None, outcomes)


def _bounded(standing: Mapping[str, Contribution]) -> dict[str, Contribution]:
    """No norm above the (lower) median, no weight above twice the median."""
    norms = {hotkey: sqrt(_dot(each.values, each.values)) for hotkey, each in standing.items()}
    middle = slice((len(norms) - 1) // 2, len(norms) // 2 + 1)  # of an even number, two
    median = min(sorted(norms.values())[middle], default=0)
    weights = sorted(each.weight for each in standing.values())[middle]
    return {
        hotkey: Contribution(
            min(each.weight, weights[0] + weights[-1]),
            each.values * np.float32(median / norms[hotkey])
            if norms[hotkey] > median
            else each.values,
        )
        for hotkey, each in standing.items()
    }


def _against(bounded: Mapping[str, Contribution]) -> set[str]:
    """Whose cosine to the mean of the others is below 0."""
    if len(bounded) < LEAST_TO_JUDGE:
        return set()
    weighted = {
        hotkey: np.multiply(each.values, each.weight, dtype=np.float64)
        for hotkey, each in bounded.items()
    }
    total = np.add.reduce([*weighted.values()])
    return {
        hotkey for hotkey, own in weighted.items() if _dot(bounded[hotkey].values, total - own) < 0
    }


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
        momentum = np.array(self.momentum(epoch), np.float32)
        velocity = momentum * velocity + direction
        return base - np.array(self.rate, np.float32) * (direction + momentum * velocity), velocity


def base_digest(base: Floats, velocity: Floats) -> bytes:
    """What all members of a stage sign: whoever holds other bytes is not ready."""
    hasher = blake3(len(base).to_bytes(8, "little"))
    for each in (base, velocity):
        hasher.update(np.ascontiguousarray(each, "<f4").view(np.uint8).data)
    return hasher.digest()
