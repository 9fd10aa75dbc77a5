"""What every implementation of a role's world keeps; those of memory, and what they do to messages.

`Parts` is what a test asks for; another implementation joins the suite by a line in `WORLDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import pytest
from blake3 import blake3

from iotapretrain.arena.swarm.memory_log import OFFICE, AskedLog, LogWriter, MemoryLog, Office
from iotapretrain.arena.swarm.memory_parts import (
    STORE,
    MemoryBlobs,
    MemoryClock,
    MemoryDisk,
    MemoryPeers,
    PeerNet,
    SharedBlobs,
    node_of,
)
from iotapretrain.arena.swarm.virtual_loop import Life, run_virtual
from iotapretrain.arena.swarm.weather import PATIENCE, Cut, Ways, Weather
from iotapretrain.errors import AwayError, FrameError, InputError, StoreError
from iotapretrain.rules.swarm.log.requests import Request, answer
from iotapretrain.rules.swarm.log.swarm_records import BaseHeld, MinerJoined, SwarmOpened
from iotapretrain.rules.swarm.log.swarm_state import SwarmTerms
from iotapretrain.swarm.interfaces import (
    RunLog,
    SwarmBlobs,
    SwarmClock,
    SwarmDisk,
    SwarmLog,
    SwarmPeers,
)


class Answerer:
    """An orchestrator that only answers."""

    def __init__(self, log: RunLog) -> None:
        self.log, self.heard = log, list[str]()

    def seen(self, hotkey: str) -> None:
        self.heard.append(hotkey)

    async def ask(self, author: str, request: Request) -> int:
        if made := answer(self.log.state, request, 0):
            self.log.write(made, author)
        return self.log.sequence


class Parts(Protocol):
    """One world, in which a test takes what it needs by a participant's name."""

    def run(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None: ...
    def clock(self, name: str) -> SwarmClock: ...
    def blobs(self, name: str) -> SwarmBlobs: ...
    def peers(self, name: str) -> SwarmPeers: ...
    def node(self, name: str) -> str: ...
    def log(self, name: str) -> SwarmLog: ...
    def disk(self, name: str) -> SwarmDisk: ...
    def records(self) -> list[str]: ...


class MemoryWorld:
    """Everything in one process; `open` begins an orchestrator, which `end` kills."""

    def __init__(self, weather: Weather | None = None, *cuts: Cut, seed: int = 0) -> None:
        self.ways = Ways(weather or Weather(), cuts, seed)
        self.shared, self.net = SharedBlobs(self.ways), PeerNet(self.ways)
        self.made = MemoryLog(SwarmTerms(stages=1), "test")
        self.made.append([SwarmOpened("run", ("base",), 0)])
        self.failed: list[BaseException] = []
        self.office = Office(self.made, self.ways, self.failed.append)
        self.lives: dict[str, Life] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.open()

    def open(self, wrote: Callable[[int], None] = lambda _: None) -> Answerer:
        life = self.lives[OFFICE] = Life(OFFICE)
        answerer = Answerer(LogWriter(life, self.made, wrote))
        self.office.open(life, answerer)
        return answerer

    def life(self, name: str) -> Life:
        if name not in self.lives or self.lives[name].over:
            self.lives[name] = Life(name)
        return self.lives[name]

    def run(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        run_virtual(main())
        assert not self.failed

    def clock(self, name: str) -> SwarmClock:
        return MemoryClock(5)

    def blobs(self, name: str) -> SwarmBlobs:
        return MemoryBlobs(name, self.shared)

    def peers(self, name: str) -> SwarmPeers:
        return MemoryPeers(self.life(name), self.net)

    def node(self, name: str) -> str:
        return node_of(name)

    def log(self, name: str) -> SwarmLog:
        return AskedLog(self.life(name), self.office)

    def disk(self, name: str) -> SwarmDisk:
        return MemoryDisk(self.life(name), self.files.setdefault(name, {}))

    def records(self) -> list[str]:
        return [type(record).__name__ for record in self.made.made]


WORLDS: list[Callable[[], Parts]] = [MemoryWorld]


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Parts:
    made: Parts = request.param()
    return made


def join(name: str) -> MinerJoined:
    return MinerJoined(name, node_of(name), "cpu", 1.0, False, 0)


# --- what every implementation keeps --------------------------------------------------------------


def test_clocks_go_on_in_milliseconds(world: Parts) -> None:
    async def main() -> None:
        clock = world.clock("a")
        before = clock.now()
        await clock.sleep(0.25)
        assert 240 <= clock.now() - before < 1000

    world.run(main)


def test_blobs_are_for_everybody_and_by_their_digest(world: Parts) -> None:
    async def main() -> None:
        digest = await world.blobs("a").put(b"content")
        assert digest == blake3(b"content").hexdigest()
        assert await world.blobs("a").put(b"content") == digest
        assert await world.blobs("b").get(digest) == b"content"
        assert await world.blobs("b").has(digest)
        assert await world.blobs("b").get("00" * 32) is None
        assert not await world.blobs("b").has("00" * 32)

    world.run(main)


def test_frames_come_to_their_node_with_their_sender_and_its_answer_comes_back(
    world: Parts,
) -> None:
    async def main() -> None:
        came: list[tuple[str, bytes]] = []

        def handler(node: str, content: bytes) -> bool:
            came.append((node, content))
            return content != b"busy"

        one, other = world.peers("one"), world.peers("other")
        other.serve(handler)
        assert await one.send(world.node("other"), b"frame") is True
        assert await one.send(world.node("other"), b"busy") is False
        assert came == [(world.node("one"), b"frame"), (world.node("one"), b"busy")]

    world.run(main)


def test_nobody_at_a_node_is_away(world: Parts) -> None:
    async def main() -> None:
        with pytest.raises(AwayError):
            await world.peers("one").send(world.node("nobody"), b"frame")

    world.run(main)


def test_a_frame_that_is_none_hurts_only_its_sender(world: Parts) -> None:
    async def main() -> None:
        def handler(node: str, content: bytes) -> bool:
            raise FrameError(node, "it is none")

        other = world.peers("other")
        other.serve(handler)
        with pytest.raises((AwayError, FrameError)):
            await world.peers("one").send(world.node("other"), b"noise")

    world.run(main)


def test_what_was_asked_is_there_behind_the_number_that_comes_back(world: Parts) -> None:
    async def main() -> None:
        log = world.log("miner")
        number = await log.ask(join("miner"))
        sequence, state = await log.behind(number - 1)
        assert sequence >= number
        assert state.members["miner"].present

    world.run(main)


def test_asking_twice_changes_nothing_and_a_refusal_says_why(world: Parts) -> None:
    async def main() -> None:
        log = world.log("miner")
        await log.ask(join("miner"))
        before = world.records()
        await log.ask(join("miner"))
        assert world.records() == before
        with pytest.raises(InputError, match="no member of stage 0"):
            await log.ask(BaseHeld("miner", 0, 64 * "0", 0))

    world.run(main)


def test_reading_waits_for_news_and_for_no_more_than_seconds(world: Parts) -> None:
    async def main() -> None:
        log = world.log("miner")
        sequence, _ = await log.behind(0)
        assert sequence == 1
        assert (await log.behind(1))[0] == 1
        reading = asyncio.ensure_future(log.behind(1))
        await asyncio.sleep(0.5)
        assert not reading.done()
        await world.log("other").ask(join("other"))
        assert (await reading)[0] == 2

    world.run(main)


def test_a_disk_keeps_the_last(world: Parts) -> None:
    disk = world.disk("miner")
    assert disk.kept("state") is None
    disk.keep("state", b"one")
    disk.keep("state", b"two")
    assert world.disk("miner").kept("state") == b"two"
    assert world.disk("other").kept("state") is None


# --- what the simulated ones do -------------------------------------------------------------------


def test_the_dead_write_nothing() -> None:
    async def main() -> None:
        world = MemoryWorld()
        disk, writer = world.disk("miner"), LogWriter(world.life(OFFICE), world.made, print)
        disk.keep("state", b"before")
        for life in world.lives.values():
            life.end()
        with pytest.raises(asyncio.CancelledError):
            disk.keep("state", b"after")
        with pytest.raises(asyncio.CancelledError):
            writer.write([join("miner")])
        assert world.files["miner"] == {"state": b"before"}
        assert world.records() == ["SwarmOpened"]

    run_virtual(main())


def test_an_answer_may_be_lost_after_the_record_is_durable() -> None:
    """The orchestrator dies between its record and its answer; asked again, it has it already."""

    async def main() -> None:
        world = MemoryWorld()
        world.open(lambda _: world.lives[OFFICE].end())
        log = world.log("miner")
        with pytest.raises(AwayError):
            await log.ask(join("miner"))
        assert world.records() == ["SwarmOpened", "MinerJoined"]
        with pytest.raises(AwayError):
            await log.behind(0)
        world.open()
        assert await log.ask(join("miner")) == 2

    run_virtual(main())


def test_records_that_do_not_apply_are_not_written_at_all() -> None:
    log = MemoryLog(SwarmTerms(stages=1), "test")
    opened, held = SwarmOpened("run", ("base",), 0), BaseHeld("nobody", 0, 64 * "0", 0)
    with pytest.raises(KeyError):
        log.append([opened, held])
    assert not log.made
    assert not log.state.run


def test_a_log_is_linked_and_its_digest_is_that_of_all_records() -> None:
    logs = [MemoryLog(SwarmTerms(stages=1), "test") for _ in range(3)]
    for log in logs:
        log.append([SwarmOpened("run", ("base",), 0)])
    for log, name in zip(logs, "aab", strict=True):
        log.append([join(name)], name)
    digests = [log.digest for log in logs]
    assert digests[0] == digests[1] != digests[2]
    assert logs[0].entries[-1].link.hex() == digests[0]


@pytest.mark.parametrize("ask", ["frames", "blobs", "requests", "reading"])
def test_a_cut_parts_both_ways_for_a_while(ask: str) -> None:
    async def main() -> None:
        others = {"frames": "other", "blobs": STORE, "requests": OFFICE, "reading": OFFICE}
        cut = Cut(frozenset({others[ask]}), frozenset({"one"}), since=0, until=100)
        world = MemoryWorld(None, cut)
        other = world.peers("other")
        other.serve(lambda *_: True)

        async def try_it(name: str) -> object:
            tries: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
                "frames": lambda: world.peers(name).send(world.node("other"), b"frame"),
                "blobs": lambda: world.blobs(name).put(b"content"),
                "requests": lambda: world.log(name).ask(join(name)),
                "reading": lambda: world.log(name).behind(0),
            }
            return await tries[ask]()

        began = asyncio.get_running_loop().time()
        with pytest.raises(AwayError):
            await try_it("one")
        assert asyncio.get_running_loop().time() - began == pytest.approx(PATIENCE)
        assert await try_it("two")
        await asyncio.sleep(100)
        assert await try_it("one")

    run_virtual(main())


def test_weather_loses_repeats_and_reorders_by_its_seed_alone() -> None:
    def played(seed: int) -> list[int]:
        async def main() -> list[int]:
            world = MemoryWorld(Weather(0.01, 1.0, loss=0.2, twice=0.3), seed=seed)
            came: list[int] = []
            world.peers("other").serve(lambda _, content: came.append(content[0]) is None)

            async def send(number: int) -> None:
                try:
                    await world.peers("one").send(world.node("other"), bytes([number]))
                except AwayError:
                    came.append(-number)

            await asyncio.gather(*(send(number) for number in range(1, 60)))
            await asyncio.sleep(5)
            return came

        return run_virtual(main())

    came = played(1)
    there = [each for each in came if each > 0]
    assert came == played(1) != played(2)
    assert sorted(there) != there, "reordered"
    assert len(there) > len({*there}), "some came twice"
    assert {-each for each in came if each < 0} & {*there}, "an answer was lost, not its frame"
    assert {*range(1, 60)} - {*there}, "some never came"


def test_an_orchestrators_own_failure_ends_the_world_and_a_refusal_does_not() -> None:
    class Broken(Answerer):
        async def ask(self, author: str, request: Request) -> int:
            raise {"bug": ValueError, "full": StoreError}[author]("no")

    async def main() -> None:
        world = MemoryWorld()
        world.office.open(
            world.life(OFFICE), Broken(LogWriter(world.life(OFFICE), world.made, print))
        )
        for name, kind in (("full", StoreError), ("bug", ValueError)):
            with pytest.raises(kind):
                await world.log(name).ask(join(name))
        assert [type(each) for each in world.failed] == [ValueError]

    run_virtual(main())
