"""The open routing laboratory: one swarm, event by event, under any policy (specification 11).

Times are integer microseconds. An event is one integer, (time, route, hop, kind) from its highest
bits down, so that the heap orders plain numbers and events at one moment have one order; a route has
one event of a kind at a time. The policies are the orchestrator's own (`rules/swarm/routing.py`).
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.assignment import Machine, assign
from iotapretrain.rules.swarm.routing import POLICIES, Router, View

SECOND = 1_000_000
REPORT_EVERY, CONNECT_LIMIT, SILENCE = 5 * SECOND, 5 * SECOND, 15 * SECOND
BUSY_RETRY, GLOBAL_LATENCY = 1 * SECOND, 20_000
QUEUE_BOUND = 32
DRIFT = 0.1
CLASSES = ((0.75, 0.01, 0.9), (0.15, 0.05, 0.6), (0.10, 0.20, 0.3))
"""Share of the miners, chance to drop out in an epoch, chance to be back in the next."""

FORWARD, BACKWARD, DONE, ANSWERED, REPORT, LEAVE, GONE, EXPIRE = range(8)
KIND_BITS, HOP_BITS, ROUTE_BITS = 3, 5, 24


@dataclass(frozen=True)
class LabWorld:
    """A swarm: its size, its work, and what its machines are like.

    `samples` an epoch are by default the 160 a member that qualify for a merge; `cache` is how many
    samples a miner can hold between forward and backward; `liars` report that nothing waits.
    """

    miners: int = 96
    stages: int = 6
    samples: int | None = None
    epochs: int = 5
    cache: int = 16
    packet_bytes: int = 204_800
    liars: float = 0.0
    churn: bool = True

    def __post_init__(self) -> None:
        if not (1 <= self.stages <= 16 and 2 * self.stages <= self.miners <= 10_000):
            raise InputError(
                f"{self.miners} miners in {self.stages} stages; give 1 to 16 stages, and two miners"
                " or more a stage, 10,000 at most"
            )
        if min(self.epochs, self.cache, self.packet_bytes, self.wanted) < 1:
            raise InputError("laboratory: give 1 or more samples, epochs, slots and bytes")

    @property
    def wanted(self) -> int:
        """Samples to complete in an epoch."""
        return 160 * self.miners // self.stages if self.samples is None else self.samples


class Machines:
    """What is true of the miners, which no policy sees; drawn from the seed alone."""

    def __init__(self, world: LabWorld, seed: int) -> None:
        self._rng = rng = random.Random(seed)
        self.world, everybody = world, range(world.miners)
        self.ahead = [rng.uniform(0.2, 1.0) * SECOND for _ in everybody]
        self.latency = [rng.uniform(0.01, 0.15) * SECOND for _ in everybody]
        self.uplink = [rng.uniform(20, 500) / 8 for _ in everybody]  # bytes a microsecond
        kinds = rng.choices(CLASSES, [share for share, _, _ in CLASSES], k=world.miners)
        self.leaves = [leaves for _, leaves, _ in kinds]
        self.returns = [returns for _, _, returns in kinds]
        self.lies = [rng.random() < world.liars for _ in everybody]
        self.alive = [True for _ in everybody]
        self.noise = [rng.uniform(0.9, 1.1) for _ in range(1024)]

    def measured(self) -> list[float]:
        """A timed run of each, in seconds a sample: 5 % off."""
        return [3 * each / SECOND * self._rng.lognormvariate(0, 0.05) for each in self.ahead]

    def next_epoch(self) -> None:
        """Some are back; all have drifted."""
        rng, everybody = self._rng, range(self.world.miners)
        self.ahead = [each * rng.lognormvariate(0, DRIFT) for each in self.ahead]
        self.uplink = [each * rng.lognormvariate(0, DRIFT) for each in self.uplink]
        self.latency = [each * rng.uniform(1 - DRIFT, 1 + DRIFT) for each in self.latency]
        chances = [rng.random() for _ in everybody]
        self.alive = [self.alive[m] or chances[m] < self.returns[m] for m in everybody]

    def departures(self, length: float) -> list[tuple[int, int]]:
        """Who would leave when in the coming epoch: a Poisson process of the class's rate."""
        moments = [self._rng.expovariate(1.0) for _ in range(self.world.miners)]
        rates = [-math.log1p(-chance) / length for chance in self.leaves]
        return [(m, int(moments[m] / rates[m])) for m in range(len(rates)) if self.alive[m]]

    def shortest(self, stages: int) -> float:
        """No epoch is shorter: all that is alive always busy in the best of balances, and a trip.

        The trip is the fastest machine's, as though it stood in every stage.
        """
        living = [m for m in range(self.world.miners) if self.alive[m]]
        rate = sum(1 / (3 * self.ahead[m]) for m in living)
        quickest = min(self.ahead[m] for m in living)
        hop = min(self.latency[m] + self.world.packet_bytes / self.uplink[m] for m in living)
        trip = stages * 3 * quickest + 2 * (stages - 1) * (hop + GLOBAL_LATENCY)
        return self.world.wanted * stages / rate + trip


class LabEpoch:
    """One swarm epoch, from its first route to its last sample's gradient at the head."""

    def __init__(
        self, world: LabWorld, machines: Machines, view: View, router: Router, bound: float
    ) -> None:
        everybody = range(world.miners)
        self.world, self.machines, self.view, self.router = world, machines, view, router
        self.last_hop, self.closes = world.stages - 1, int(8 * bound)
        self.heap: list[int] = []
        self.now = self.events = self.completed = self.dropped = self.refused = 0
        self.ahead: list[deque[int]] = [deque() for _ in everybody]
        self.back: list[deque[int]] = [deque() for _ in everybody]
        self.cached = [0 for _ in everybody]
        self.at_work = [-1 for _ in everybody]
        self.worked = [0 for _ in everybody]
        self.uplink_free = [0 for _ in everybody]
        self.stage_of = [-1 for _ in everybody]
        for stage, members in enumerate(view.members):
            for miner in members:
                self.stage_of[miner] = stage
        self.pass_ahead = [int(each) for each in machines.ahead]
        self.sending = [int(world.packet_bytes / each) for each in machines.uplink]
        self.latency = [int(each) + GLOBAL_LATENCY for each in machines.latency]
        self.path: list[tuple[int, ...]] = []
        self.began: list[int] = []
        self.took: list[int] = []
        self.open: dict[int, None] = {}
        self.returning: list[bool] = []
        self.held: list[int] = []  # hops, from the head on, whose input is in their miner's cache
        self.booked: list[int] = []  # hops, from the head on, that have not answered yet
        self.retried: set[int] = set()
        self.limit = view.limit()

    def run(self) -> None:
        """Play until every wanted sample is back, or the epoch's last moment."""
        for miner, moment in self.machines.departures(self.closes / 8) if self.world.churn else ():
            self._push(moment, miner, 0, LEAVE)
        for part in range(REPORT_EVERY // SECOND):
            self._push(part * SECOND, part, 0, REPORT)
        handlers: tuple[Callable[[int, int], None], ...] = (
            *(self._forward, self._backward, self._done, self._answered),
            *(self._report, self._leave, self._gone, self._expire),
        )
        heap, wanted, closes = self.heap, self.world.wanted, self.closes
        self._admit()
        events = 0
        while self.completed < wanted and self.now < closes:
            event = heappop(heap)
            self.now = event >> 32
            events += 1
            handlers[event & 7](event >> 8 & 0xFFFFFF, event >> 3 & 31)
        self.events = events

    def _push(self, moment: int, number: int, hop: int, kind: int) -> None:
        heappush(self.heap, moment << 32 | number << 8 | hop << 3 | kind)

    def idle(self) -> float:
        """The share of its members' time that the idlest stage did not work."""
        work = [0] * self.world.stages
        size = [0] * self.world.stages
        for miner, stage in enumerate(self.stage_of):
            if stage >= 0:
                work[stage] += self.worked[miner]
                size[stage] += 1
        return 1 - min(w / (n * self.now) for w, n in zip(work, size, strict=True))

    # --- the orchestrator ------------------------------------------------------------------------

    def _admit(self) -> None:
        """Issue routes while the scarcest stage has slots and samples are wanted."""
        view = self.view
        while len(self.open) < self.limit and (
            len(self.open) + self.completed < self.world.wanted
        ):
            miners = self.router.route(view).miners
            for miner in miners:
                view.issue(miner)
            number = len(self.path)
            self.path.append(miners)
            self.began.append(self.now)
            self.returning.append(False)
            self.held.append(0)
            self.booked.append(len(miners))
            self.open[number] = None
            self._push(self.now + self.latency[miners[0]], number, 0, FORWARD)

    def _settle(self, route: int, hop: int) -> None:
        """The miner of this hop has answered: what follows it in the book already had."""
        miner = self.path[route][hop]
        self.booked[route] = hop
        noise = self.machines.noise[route + 131 * hop & 1023]
        self.view.settle(miner, 3 * self.pass_ahead[miner] * noise / SECOND)

    def _answered(self, route: int, _: int) -> None:
        if route in self.open:
            self._settle(route, 0)
            del self.open[route]
            self.completed += 1
            self.took.append(self.now - self.began[route])
            self._admit()

    def _expire(self, route: int, _: int) -> None:
        """A sample is given up: every slot and every line of the book it had is free again."""
        if route not in self.open:
            return
        del self.open[route]
        self.dropped += 1
        path = self.path[route]
        for hop in range(self.booked[route]):
            self.view.settle(path[hop])
        for hop in range(self.held[route]):
            if self.machines.alive[path[hop]]:
                self.cached[path[hop]] -= 1
                self._start(path[hop])
        self._admit()

    def _report(self, part: int, _: int) -> None:
        """A fifth of the miners say how much waits; each is heard every five seconds."""
        view, lies = self.view, self.machines.lies
        for miner in range(part, self.world.miners, REPORT_EVERY // SECOND):
            waiting = len(self.ahead[miner]) + len(self.back[miner]) + (self.at_work[miner] >= 0)
            view.queue[miner] = 0 if lies[miner] else waiting
            view.free[miner] = view.slots[miner] - (0 if lies[miner] else self.cached[miner])
        self._push(self.now + REPORT_EVERY, part, 0, REPORT)

    def _gone(self, miner: int, _: int) -> None:
        """Three reports are missing: no more routes through this miner."""
        self.view.members[self.stage_of[miner]].remove(miner)
        self.limit = self.view.limit()

    # --- the miners ------------------------------------------------------------------------------

    def _forward(self, route: int, hop: int) -> None:
        """A sample arrives on its way to the tail."""
        miner = self.path[route][hop]
        if route not in self.open:
            return
        if not self.machines.alive[miner]:
            self._not_reached(route, hop)
        elif len(self.ahead[miner]) >= QUEUE_BOUND:
            self.refused += 1
            self._push(self.now + BUSY_RETRY, route, hop, FORWARD)
        else:
            self.ahead[miner].append(route)
            if self.at_work[miner] < 0:
                self._start(miner)

    def _not_reached(self, route: int, hop: int) -> None:
        """Nobody answers: once another miner of the stage is tried, after the time to connect."""
        members = self.view.members[hop]
        if route in self.retried or not members:
            self._push(self.now + CONNECT_LIMIT, route, hop, EXPIRE)
            return
        self.retried.add(route)
        path = self.path[route]
        other = self.router.instead(self.view, hop)
        self.view.settle(path[hop])
        self.view.issue(other)
        self.path[route] = (*path[:hop], other, *path[hop + 1 :])
        self._push(self.now + CONNECT_LIMIT, route, hop, FORWARD)

    def _backward(self, route: int, hop: int) -> None:
        """A gradient arrives: the miner that sent it has answered."""
        if route not in self.open:
            return
        self._settle(route, hop + 1)
        miner = self.path[route][hop]
        if self.machines.alive[miner]:  # else it left with the sample, which will expire
            self.back[miner].append(route)
            if self.at_work[miner] < 0:
                self._start(miner)

    def _start(self, miner: int) -> None:
        """The next pass of an idle miner: gradients first, then samples if a slot is free."""
        if self.at_work[miner] >= 0:
            return
        hop, back, ahead, still = self.stage_of[miner], self.back[miner], self.ahead[miner], self.open
        while True:
            if back:
                route, length = back.popleft(), 2 * self.pass_ahead[miner]
                if route not in still:
                    continue
            elif ahead and self.cached[miner] < self.world.cache:
                route, length = ahead.popleft(), self.pass_ahead[miner]
                if route not in still:
                    continue
                self.cached[miner] += 1
                self.held[route] = hop + 1
            else:
                return
            break
        length = int(length * self.machines.noise[route + 131 * hop & 1023])
        self.at_work[miner] = route
        self.worked[miner] += length
        heappush(self.heap, self.now + length << 32 | route << 8 | hop << 3 | DONE)

    def _done(self, route: int, hop: int) -> None:
        """A pass is over: its result goes on, and the miner to its next."""
        miner = self.path[route][hop]
        if self.at_work[miner] != route:
            return  # it left in the middle
        self.at_work[miner] = -1
        if route in self.open:
            if self.returning[route]:
                self.held[route] = hop
                self.cached[miner] -= 1
                if hop:
                    self._send(miner, route, hop - 1, BACKWARD)
                else:
                    self._push(self.now + self.latency[miner], route, 0, ANSWERED)
            elif hop == self.last_hop:
                self.returning[route] = True
                self.back[miner].appendleft(route)
            else:
                self._send(miner, route, hop + 1, FORWARD)
        self._start(miner)

    def _send(self, miner: int, route: int, hop: int, kind: int) -> None:
        """One packet after the other through a miner's uplink, and then the way."""
        start = self.uplink_free[miner]
        if start < self.now:
            start = self.now
        self.uplink_free[miner] = start = start + self.sending[miner]
        heappush(self.heap, start + self.latency[miner] << 32 | route << 8 | hop << 3 | kind)

    def _leave(self, miner: int, _: int) -> None:
        """A miner is gone with all it held; who waits for it learns so from its silence."""
        hop = self.stage_of[miner]
        waiting = {*self.ahead[miner], *self.back[miner]}
        for route in self.open:
            if self.path[route][hop] == miner and (self.held[route] > hop or route in waiting):
                self._push(self.now + SILENCE, route, hop, EXPIRE)
        self.machines.alive[miner] = False
        self.ahead[miner].clear()
        self.back[miner].clear()
        self.at_work[miner], self.cached[miner] = -1, 0
        self._push(self.now + SILENCE, miner, 0, GONE)


@dataclass(frozen=True)
class LabResult:
    """What one policy made of one swarm; times in simulated seconds."""

    policy: str
    seed: int
    efficiency: float
    seconds: float
    middle: float
    slow: float
    completed: int
    dropped: int
    unfinished: int
    refused: int
    idle: float
    events: int


def play(world: LabWorld, policy: str, seed: int) -> LabResult:
    """All epochs of one swarm under one policy; swarms of one seed differ in nothing else."""
    if policy not in POLICIES:
        raise InputError(f"no policy {policy!r}; there are {', '.join(POLICIES)}")
    machines, router = Machines(world, seed), Router(POLICIES[policy](), seed)
    seconds = machines.measured()
    stage_of: dict[str, int] = {}
    epochs, bounds = [], []
    for number in range(world.epochs):
        if number:
            machines.next_epoch()
        living = {f"{m:05}": m for m in range(world.miners) if machines.alive[m]}
        offered = {k: Machine(1 / seconds[m], stage_of.get(k)) for k, m in living.items()}
        stage_of = assign(offered, world.stages)
        members: list[list[int]] = [[] for _ in range(world.stages)]
        for hotkey, stage in stage_of.items():
            members[stage].append(living[hotkey])
        view = View(members, seconds, [world.cache] * world.miners)
        bounds.append(machines.shortest(world.stages))
        epochs.append(LabEpoch(world, machines, view, router, bounds[-1]))
        epochs[-1].run()
        seconds = view.seconds
    return _result(world, policy, seed, epochs, bounds)


def _result(
    world: LabWorld, policy: str, seed: int, epochs: list[LabEpoch], bounds: list[float]
) -> LabResult:
    completed, time = sum(e.completed for e in epochs), sum(e.now for e in epochs)
    took = sorted(each for epoch in epochs for each in epoch.took) or [0]
    return LabResult(
        policy=policy,
        seed=seed,
        efficiency=sum(bounds) / time * completed / (world.wanted * world.epochs),
        seconds=time / SECOND,
        middle=took[len(took) // 2] / SECOND,
        slow=took[len(took) * 95 // 100] / SECOND,
        completed=completed,
        dropped=sum(e.dropped for e in epochs),
        unfinished=sum(len(e.open) for e in epochs),
        refused=sum(e.refused for e in epochs),
        idle=max(e.idle() for e in epochs),
        events=sum(e.events for e in epochs),
    )
