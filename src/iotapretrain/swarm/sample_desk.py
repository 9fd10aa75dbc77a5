"""The samples on their way through one miner: what arrives, what is computed, what is sent on.

Gradients go before samples, then what expires first. A full desk says busy; a gradient is never
refused. A sample's receipt is made when its gradient is, and kept until the log has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from math import isfinite

from blake3 import blake3

from iotapretrain.errors import AwayError, FrameError
from iotapretrain.rules.swarm.frame import Direction, Frame, read_frame
from iotapretrain.rules.swarm.log.requests import Request
from iotapretrain.rules.swarm.log.swarm_records import HopMoved, Receipt
from iotapretrain.rules.swarm.log.swarm_state import SwarmRoute, SwarmState
from iotapretrain.swarm.interfaces import MinerPlace, StageCompute

BUSY = 1.0
"""Seconds until somebody who was busy or away is tried again."""
RECEIPT_DIGEST = 16
"""Bytes: who could find two samples of one digest could only contradict itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class _Job:
    """In the order in which they are done."""

    ahead: bool
    until: int
    route: int
    content: bytes


@dataclass(frozen=True)
class _Hop:
    """A sample that went on, and whose gradient is awaited."""

    received: str
    sent: str
    seconds: float


class SampleDesk:
    """`closed` to new samples while its miner is about to leave."""

    def __init__(
        self,
        place: MinerPlace,
        compute: StageCompute,
        device: asyncio.Lock,
        ask: Callable[[Request], Awaitable[bool]],
        keep: Callable[[], None],
    ) -> None:
        self._place, self._compute, self._device = place, compute, device
        self._ask, self._keep = ask, keep
        self.closed = False
        self.links: list[str] = []
        """Of the steps since the last change was announced."""
        self._state: SwarmState | None = None
        self._next: int | None = None
        self._turned = 0
        self._woken = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Of a stage that is new to it nothing is under way."""
        self._jobs: list[_Job] = []
        self._taken: set[tuple[int, bool]] = set()
        self._hops: dict[int, _Hop] = {}
        self._receipts: dict[int, Receipt] = {}
        self._sending: dict[tuple[int, bool], asyncio.Task[None]] = {}
        self.links, self._turned = [], 0

    # --- what the log says ------------------------------------------------------------------------

    def follow(self, state: SwarmState) -> None:
        """Begin the samples that start here, and forget what is over."""
        self._state = state
        me = state.members.get(self._place.hotkey)
        first = state.next_route if self._next is None else self._next
        self._next = state.next_route
        if me is not None and me.stage == 0 and not self.closed:
            for number in range(first, state.next_route):
                route = state.routes.get(number)
                if route is not None and route.miners[0] == me.number:
                    self._push(_Job(True, route.until, number, b""))
        over = [number for number in self._hops if number not in state.routes]
        if over:
            self._compute.forget(over)
        for number in over:
            del self._hops[number]
        self._receipts = {n: each for n, each in self._receipts.items() if n in state.routes}
        self._taken = {each for each in self._taken if each[0] in state.routes}

    def _mine(self, number: int) -> tuple[int, SwarmRoute] | None:
        """The stage that a route under way has here."""
        state = self._state
        route = None if state is None else state.routes.get(number)
        if state is None or route is None:
            return None
        own = state.members[self._place.hotkey].number
        return (route.miners.index(own), route) if own in route.miners else None

    # --- what arrives -----------------------------------------------------------------------------

    def take(self, node: str, content: bytes) -> bool:
        """A node's frame, True if it is taken; FrameError says what is wrong with it."""
        state = self._state
        me = None if state is None else state.members.get(self._place.hotkey)
        if state is None or me is None or me.stage is None:
            return False
        backward = content[1:2] == bytes([Direction.BACKWARD])
        sender = me.stage + 1 if backward else me.stage - 1
        if not 0 <= sender < len(state.stages):
            raise FrameError(node, f"stage {me.stage} receives nothing that way")
        frame = read_frame(content, self._place.frames, sender, node)
        number = int.from_bytes(frame.sample, "little")
        found = self._mine(number)
        if found is None:
            return number < state.next_route  # one that is over needs no answer; a later one waits
        stage, route = found
        if state.members[state.hotkeys[route.miners[stage + (1 if backward else -1)]]].node != node:
            raise FrameError(node, f"route {number} does not come from there")
        if (number, backward) in self._taken:
            return True
        if not backward and (self.closed or len(self._taken) >= 2 * state.terms.slots):
            return False
        self._push(_Job(not backward, route.until, number, frame.payload))
        return True

    def _push(self, job: _Job) -> None:
        self._taken.add((job.route, not job.ahead))
        heappush(self._jobs, job)
        self._woken.set()

    # --- what is done -----------------------------------------------------------------------------

    async def work(self) -> None:
        """Do one job after the other, for ever."""
        while True:
            while self._jobs:
                async with self._device:
                    if self._jobs:
                        await self._do(heappop(self._jobs))
            self._woken.clear()
            await self._woken.wait()

    async def step(self) -> None:
        """Move by what is there; the device is the caller's."""
        link = await self._compute.step()
        self._turned = 0
        if link is not None:
            self.links.append(link)

    def take_links(self) -> tuple[str, ...]:
        """Those of a change that is announced now."""
        links, self.links = tuple(self.links), []
        return links

    async def _do(self, job: _Job) -> None:
        found = self._mine(job.route)
        if found is None:
            return
        stage, route = found
        started = self._place.clock.now()
        if not job.ahead:
            await self._turn(job, stage, started)
        elif stage == len(route.miners) - 1:
            await self._turn_at_tail(job, stage, started)
        else:
            passed = await self._compute.forward(job.route, job.content)
            hop = _Hop(_digest(job.content), _digest(passed.sent), self._since(started))
            self._hops[job.route] = hop
            self._send(Direction.FORWARD, stage, job.route, passed.sent)

    async def _turn_at_tail(self, job: _Job, stage: int, started: int) -> None:
        passed = await self._compute.forward(job.route, job.content)
        if passed.loss is None or not isfinite(passed.loss):
            _log.warning("%s: route %d has no loss", self._place.hotkey, job.route)
            return  # it says so, and goes on: the route expires, and pays nobody
        hop = _Hop(_digest(job.content), "", 0.0)
        await self._done(job.route, hop, "", passed.sent, stage, self._since(started), passed.loss)

    async def _turn(self, job: _Job, stage: int, started: int) -> None:
        hop = self._hops.pop(job.route, None)
        back = None if hop is None else await self._compute.backward(job.route, job.content)
        if hop is not None and back is not None:
            seconds = hop.seconds + self._since(started)
            await self._done(job.route, hop, _digest(job.content), back, stage, seconds, None)

    async def _done(
        self,
        number: int,
        hop: _Hop,
        returned: str,
        back: bytes,
        stage: int,
        seconds: float,
        loss: float | None,
    ) -> None:
        said = Receipt(number, hop.received, hop.sent, returned, _digest(back), seconds, loss)
        self._receipts[number] = said
        if stage:
            self._send(Direction.BACKWARD, stage, number, back)
        self._turned += 1
        if self._turned >= self._place.samples_a_step:
            await self.step()
            self._keep()

    def _since(self, started: int) -> float:
        return max(self._place.clock.now() - started, 1) / 1000

    # --- what is sent -----------------------------------------------------------------------------

    def _send(self, way: Direction, stage: int, number: int, payload: bytes) -> None:
        frame = Frame(way, stage, number.to_bytes(16, "little"), b"", payload)
        key = (number, way is Direction.BACKWARD)
        sending = self._deliver(frame, stage + (1 if way is Direction.FORWARD else -1), number)
        task = asyncio.ensure_future(sending)
        self._sending[key] = task
        task.add_done_callback(lambda _: self._sending.pop(key, None))

    async def _deliver(self, frame: Frame, target: int, number: int) -> None:
        """Until it is taken, or its route is over."""
        content = frame.to_bytes(self._place.frames)
        while (found := self._mine(number)) is not None and self._state is not None:
            miner = found[1].miners[target]
            node = self._state.members[self._state.hotkeys[miner]].node
            try:
                if await self._place.peers.send(node, content):
                    return
            except AwayError:
                if frame.direction is Direction.FORWARD:
                    await self._ask(HopMoved(self._place.hotkey, number, target, miner, 0))
            except FrameError as refused:
                _log.warning("%s: %s", self._place.hotkey, refused)
                return
            await self._place.clock.sleep(BUSY)

    # --- what is filed ----------------------------------------------------------------------------

    def unfiled(self, most: int) -> tuple[Receipt, ...]:
        """Receipts that the log does not have, the first ones."""
        return tuple(list(self._receipts.values())[:most])

    def filed(self, receipts: tuple[Receipt, ...]) -> None:
        """The log has them, or wants none of them."""
        for each in receipts:
            self._receipts.pop(each.route, None)


def _digest(content: bytes) -> str:
    return blake3(content).hexdigest(RECEIPT_DIGEST) if content else ""
