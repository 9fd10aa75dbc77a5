"""Whose models to look at next (competition, 10.3 and 10.5)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from iotapretrain.errors import InputError

Weights = Sequence[tuple[int, float]]


def high_stake_validators(
    stake: Sequence[float], permit: Sequence[bool], min_stake: float
) -> list[int]:
    """The uids that hold a validator permit and at least this stake."""
    return [
        uid
        for uid, (held, permitted) in enumerate(zip(stake, permit, strict=True))
        if permitted and held >= min_stake
    ]


def top_miners(
    stake: Sequence[float],
    permit: Sequence[bool],
    weights: Mapping[int, Weights],
    min_stake: float,
    min_share: float,
) -> list[int]:
    """The uids to which some large validator gives at least `min_share` of its weights."""
    rewarded: set[int] = set()
    for validator in high_stake_validators(stake, permit, min_stake):
        row = weights.get(validator, ())
        total = 0.0
        for _, weight in row:  # not sum(): it rounds differently from Python 3.12 on
            total += weight
        rewarded.update(uid for uid, weight in row if weight >= min_share * total)
    return sorted(rewarded)


@dataclass(frozen=True)
class UidCycle:
    """An endless walk over sorted uids; `place` is the uid that comes next, or where it would be.

    Uids that come and go do not send the walk back to its start.
    """

    uids: tuple[int, ...]
    place: int

    @classmethod
    def over(cls, uids: Iterable[int], start: int) -> UidCycle:
        """A walk over these uids that begins with the first one from `start` on, or wraps."""
        ordered = tuple(sorted(set(uids)))
        if not ordered:
            return cls(ordered, start)
        return cls(ordered, ordered[bisect_left(ordered, start) % len(ordered)])

    def replace(self, uids: Iterable[int]) -> UidCycle:
        """The walk over other uids, from the same place."""
        return UidCycle.over(uids, self.place)

    def take(self, count: int) -> tuple[list[int], UidCycle]:
        """The next `count` uids, and the walk after them."""
        if not self.uids:
            raise InputError("uids: there are none to walk over; wait until miners register")
        first = self.uids.index(self.place)
        taken = [self.uids[(first + step) % len(self.uids)] for step in range(count + 1)]
        return taken[:-1], UidCycle(self.uids, taken[-1])
