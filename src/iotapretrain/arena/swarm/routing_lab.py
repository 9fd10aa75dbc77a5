"""The open routing laboratory: one swarm, event by event, under any policy (specification 11).

Times are integer microseconds. An event is one integer, (time, route, hop, kind) from its highest
bits down, so that the heap orders plain numbers and events at one moment have one order: a route
has one event of a kind at a time. Policies are the orchestrator's own (`rules/swarm/routing.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from iotapretrain.arena.swarm.routing_world import GLOBAL_LATENCY, SECOND, LabWorld, Machines
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.assignment import MeasuredMiner, assign
from iotapretrain.rules.swarm.routing import POLICIES, Router, RoutingView

REPORT_EVERY, CONNECT_LIMIT, SILENCE = 5 * SECOND, 5 * SECOND, 15 * SECOND
BUSY_RETRY = 1 * SECOND
QUEUE_BOUND = 32
LONGEST = 8
"""An epoch is closed after so many times the shortest possible; what is under way is cut off."""
FORWARD, BACKWARD, DONE, ANSWERED, REPORT, LEAVE, GONE, EXPIRE = range(8)


class LabEpoch:
    """One swarm epoch, from its first route to its last sample's gradient at the head."""

    def __init__(
        self, world: LabWorld, machines: Machines, view: RoutingView, router: Router, closes: int
    ) -> None:
        everybody = range(world.miners)
        self.world, self.machines, self.view, self.router = world, machines, view, router
        self.last_hop, self.closes = world.stages - 1, closes
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
        self.passed: list[int] = []  # hops, from the head on, whose forward receipt is there
        self.retried: set[int] = set()
        self.limit = router.limit(view)

    def run(self, departures: list[tuple[int, int]]) -> None:
        """Play until every wanted sample is back, or the epoch's last moment."""
        for moment, miner in departures:
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
        while len(self.open) < self.limit and (len(self.open) + self.completed < self.world.wanted):
            miners = self.router.route(view).miners
            for miner in miners:
                view.issue(miner)
            number = len(self.path)
            self.path.append(miners)
            self.began.append(self.now)
            self.returning.append(False)
            self.held.append(0)
            self.passed.append(0)
            self.booked.append(len(miners))
            self.open[number] = None
            self._push(self.now + self.latency[miners[0]], number, 0, FORWARD)

    def _settle(self, route: int, hop: int) -> None:
        """The miner of this hop has answered, as those after it already had."""
        miner = self.path[route][hop]
        self.booked[route] = hop
        noise = self.machines.noise[route + 131 * hop & 1023]
        seconds = 3 * self.pass_ahead[miner] * noise / SECOND
        self.view.settle(miner, self.passed[route] > hop, seconds)

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
            self.view.settle(path[hop], self.passed[route] > hop)
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
        self.limit = self.router.limit(self.view)

    # --- the miners ------------------------------------------------------------------------------

    def _forward(self, route: int, hop: int) -> None:
        """A sample arrives on its way to the tail."""
        miner = self.path[route][hop]
        if route not in self.open:
            return
        if self.passed[route] < hop:
            self.passed[route] = hop
            self.view.forwarded(self.path[route][hop - 1])
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
        path = self.path[route]
        other = self.router.instead(self.view, hop, path[hop])
        if route in self.retried or other is None:
            self._push(self.now + CONNECT_LIMIT, route, hop, EXPIRE)
            return
        self.retried.add(route)
        self.view.settle(path[hop], False)
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
        hop, still = self.stage_of[miner], self.open
        back, ahead = self.back[miner], self.ahead[miner]
        while back and back[0] not in still:
            back.popleft()
        while ahead and ahead[0] not in still:
            ahead.popleft()
        if back:
            route, length = back.popleft(), 2 * self.pass_ahead[miner]
        elif ahead and self.cached[miner] < self.world.cache:
            route, length = ahead.popleft(), self.pass_ahead[miner]
            self.cached[miner] += 1
            self.held[route] = hop + 1
        else:
            return
        length = int(length * self.machines.noise[route + 131 * hop & 1023])
        self.at_work[miner] = route
        self.worked[miner] += length
        self._push(self.now + length, route, hop, DONE)

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
        self._push(start + self.latency[miner], route, hop, kind)

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
    """What one policy made of one swarm; times in simulated seconds.

    `efficiency` is the shortest possible time over the time it took; `middle` and `slow` are half
    and 19 of 20 samples' way; `idle` is that of the idlest stage; what an epoch's last moment cut
    off is `unfinished`; a full queue `refused` so often.
    """

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
    seconds, stage_of = machines.measured(), dict[str, int]()
    epochs, shortest = [], 0.0
    for number in range(world.epochs):
        if number:
            machines.next_epoch()
        living = {f"{m:05}": m for m, alive in enumerate(machines.alive) if alive}
        if not living:
            break  # the swarm has ended; what it did not do counts against it
        offered = {
            key: MeasuredMiner(1 / seconds[m], stage_of.get(key)) for key, m in living.items()
        }
        stage_of = assign(offered, world.stages)
        members: list[list[int]] = [[] for _ in range(world.stages)]
        for key, stage in stage_of.items():
            members[stage].append(living[key])
        departures = machines.departures()
        bound = machines.shortest(departures)
        view = RoutingView(members, seconds, [world.cache] * world.miners)
        epoch = LabEpoch(world, machines, view, router, int(LONGEST * bound))
        epoch.run(departures)
        seconds = view.seconds
        epochs.append(epoch)
        shortest += bound
    return _result(world, epochs, shortest)


def _result(world: LabWorld, epochs: list[LabEpoch], shortest: float) -> LabResult:
    completed, time = sum(e.completed for e in epochs), sum(e.now for e in epochs)
    took = sorted(each for epoch in epochs for each in epoch.took) or [0]
    return LabResult(
        efficiency=shortest / time * completed / (world.wanted * world.epochs),
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
