"""Which miners a sample goes through: one a stage, by a policy that is the same object everywhere.

The specification's default draws with weights; ours does not draw: it reads the book of what was
issued and not answered for, and sends the next sample where what is owed is done first. What
miners report of themselves is stale and may be a lie, so ours reads none of it. At least a tenth
of all routes is uniform whatever the policy, so that losses can be attributed, and no more routes
are in flight than the scarcest stage has slots, so that hops seldom find a full cache. Sums are
exactly rounded: whoever has the log draws the same routes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import fsum
from typing import TypeAlias

from iotapretrain.errors import InputError
from iotapretrain.rules.sampling import Stream

UNIFORM_SHARE = 0.1
HALF_LIFE = 20
"""Samples after which a measured speed has forgotten half of what it was (specification 5.1)."""
PASSES = 3
"""What a sample is to do in units of a forward pass: a backward pass takes two."""
CANDIDATES = 32
"""Members of a stage that ours compares: all of a small one, neighbours of a large one."""
TRIPS = 4
"""Trips' worth of work that ours keeps in flight: where the laboratory's throughput is best."""

_WORDS_AT_ONCE = 1024
_KEPT = 0.9659363289248456
"""0.5 to the power of 1 / HALF_LIFE, as a number, since powers differ in a last bit by machine."""

Draw: TypeAlias = Callable[[], float]
"""The next number of the run's stream, from 0 to below 1."""


def smoothed(known: float, measured: float) -> float:
    """A miner's seconds a sample, after one more was measured."""
    return _KEPT * known + (1 - _KEPT) * measured


class RoutingView:
    """What the orchestrator knows of the miners, by number; it folds this from its log.

    `members` are the ready ones by stage; `seconds` a sample forward and backward, as measured from
    receipts; `queue` and `free` as each miner last reported; `booked` the routes issued through it
    and not answered for, `slots` how many of them it can hold, `owed` what is left to do of them.
    """

    __slots__ = ("booked", "free", "members", "owed", "queue", "seconds", "slots")

    def __init__(
        self, members: Sequence[Sequence[int]], seconds: Sequence[float], slots: Sequence[int]
    ) -> None:
        if not (len(seconds) == len(slots) and all(0 < each < float("inf") for each in seconds)):
            raise InputError("view of a swarm: give every miner seconds above 0, and its slots")
        self.members = [list(stage) for stage in members]
        self.seconds = list(seconds)
        self.slots = list(slots)
        self.queue = [0] * len(seconds)
        self.free = list(slots)
        self.booked = [0] * len(seconds)
        self.owed = [0] * len(seconds)

    def issue(self, miner: int) -> None:
        """A route goes through this miner."""
        self.booked[miner] += 1
        self.owed[miner] += PASSES

    def forwarded(self, miner: int) -> None:
        """The miner's forward receipt is there."""
        self.owed[miner] -= 1

    def settle(self, miner: int, forwarded: bool, seconds: float | None = None) -> None:
        """The miner has answered in so much time, or the route was dropped or goes elsewhere."""
        self.booked[miner] -= 1
        self.owed[miner] -= PASSES - forwarded
        if seconds is not None:
            self.seconds[miner] = smoothed(self.seconds[miner], seconds)

    def room(self) -> int:
        """Routes that may be in flight: the slots of the scarcest stage."""
        return min(sum(self.slots[miner] for miner in stage) for stage in self.members)


class Policy(ABC):
    """How one miner of a stage is chosen; `draw` is all the randomness there is."""

    @abstractmethod
    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        """A ready miner of the stage, which has one."""

    def limit(self, view: RoutingView) -> int:
        """Routes to have in flight, if the swarm has room for as many."""
        return view.room()


class Uniform(Policy):
    """Any, equally likely."""

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        members = view.members[stage]
        return members[int(draw() * len(members))]


class ShortestQueue(Policy):
    """Who reported the fewest waiting samples; of several any."""

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        members, queue = view.members[stage], view.queue
        shortest = min([queue[miner] for miner in members])
        equal = [miner for miner in members if queue[miner] == shortest]
        return equal[int(draw() * len(equal))]


class TwoChoices(Policy):
    """Of two drawn ones, who reported fewer waiting samples."""

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        members, queue = view.members[stage], view.queue
        one, other = (members[int(draw() * len(members))] for _ in range(2))
        return one if queue[one] <= queue[other] else other


class Weighted(Policy):
    """Drawn in proportion to `free slots x speed / (1 + queue)` as reported (specification 5.2)."""

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        members, queue, free, seconds = view.members[stage], view.queue, view.free, view.seconds
        weights = [free[m] / (seconds[m] * (1 + queue[m])) for m in members]
        total = fsum(weights)
        if total == 0:
            return members[int(draw() * len(members))]
        place = draw() * total
        for miner, weight in zip(members, weights, strict=True):
            place -= weight
            if place < 0:
                return miner
        return members[-1]


class Queueing(Policy):
    """Whose reported queue and one sample more are done first, at its measured speed."""

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        queue, seconds = view.queue, view.seconds
        return min(view.members[stage], key=lambda m: ((1 + queue[m]) * seconds[m], draw()))


class Outstanding(Policy):
    """Through whom the fewest routes are booked, however fast it is: what the book is worth."""

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        booked = view.booked
        return min(view.members[stage], key=lambda m: (booked[m], draw()))


class Booked(Policy):
    """Ours: who will have done first all that it still owes and one sample more.

    Miners whose slots are all booked come last. Of a stage of more than 32 members it compares 32
    neighbours from a drawn one on, so that a route costs the same in a swarm of any size. It keeps
    no more in flight than every machine can do in four unhindered trips through the swarm: more
    would only queue.
    """

    def choose(self, view: RoutingView, stage: int, draw: Draw) -> int:
        members, booked, owed = view.members[stage], view.booked, view.owed
        seconds, slots = view.seconds, view.slots
        if len(members) > CANDIDATES:
            first = int(draw() * len(members))
            members = (members[first : first + CANDIDATES] + members[:CANDIDATES])[:CANDIDATES]
        best, least, best_is_full = members[0], float("inf"), True
        for miner in members:
            done = (PASSES + owed[miner]) * seconds[miner]
            is_full = booked[miner] >= slots[miner]
            if (done < least and is_full == best_is_full) or is_full < best_is_full:
                best, least, best_is_full = miner, done, is_full
        return best

    def limit(self, view: RoutingView) -> int:
        if not all(view.members):
            return 0
        trip = fsum(len(stage) / fsum(1 / view.seconds[m] for m in stage) for stage in view.members)
        useful = (
            fsum(min(view.slots[m], TRIPS * trip / view.seconds[m]) for m in stage)
            for stage in view.members
        )
        return int(min(useful))


POLICIES: Mapping[str, Callable[[], Policy]] = {
    "random": Uniform,
    "shortest-queue": ShortestQueue,
    "two-choices": TwoChoices,
    "weighted": Weighted,
    "queueing": Queueing,
    "outstanding": Outstanding,
    "ours": Booked,
}


@dataclass(frozen=True)
class Route:
    """The miners of one sample, by stage; `uniform` ones are those that attribution leans on."""

    miners: tuple[int, ...]
    uniform: bool


class Router:
    """A policy with its uniform share, on the stream of one seed: what the orchestrator asks."""

    __slots__ = ("_draw", "_policy", "_share", "_uniform")

    def __init__(self, policy: Policy, seed: int, share: float = UNIFORM_SHARE) -> None:
        if not UNIFORM_SHARE <= share <= 1:
            raise InputError(f"uniform share {share:g}: give {UNIFORM_SHARE:g} to 1")
        self._policy, self._uniform, self._share = policy, Uniform(), share
        self._draw: Draw = _numbers(Stream.of(seed, "routes")).__next__

    def limit(self, view: RoutingView) -> int:
        """Routes that may be in flight now; 0 while a stage has nobody."""
        return min(self._policy.limit(view), view.room())

    def route(self, view: RoutingView) -> Route:
        """The next route; every stage has a ready miner."""
        uniform = self._draw() < self._share
        policy = self._uniform if uniform else self._policy
        stages = range(len(view.members))
        return Route(tuple([policy.choose(view, each, self._draw) for each in stages]), uniform)

    def instead(self, view: RoutingView, stage: int, silent: int) -> int | None:
        """Another miner for a hop whose miner does not answer; None if there is no other."""
        others = [miner for miner in view.members[stage] if miner != silent]
        if not others:
            return None
        members, view.members[stage] = view.members[stage], others
        chosen = self._policy.choose(view, stage, self._draw)
        view.members[stage] = members
        return chosen


def _numbers(stream: Stream) -> Iterator[float]:
    for lane in count():
        yield from ((stream.words(lane, _WORDS_AT_ONCE) >> 11) * 2.0**-53).tolist()
