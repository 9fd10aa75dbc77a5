"""Clock, peers, blobs, disk and chain of a simulated machine: in memory, over one seed's ways."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

from blake3 import blake3

from iotapretrain.arena.swarm.virtual_loop import Life
from iotapretrain.arena.swarm.weather import Ways
from iotapretrain.errors import FrameError, InputError
from iotapretrain.swarm.interfaces import Handler

BLOCK_SECONDS = 12
STORE = "blobs"
"""The name of what keeps the blobs, in cuts."""


@dataclass(frozen=True)
class MemoryClock:
    """Virtual time as one machine sees it: so many milliseconds wrong."""

    skew: int = 0

    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000) + self.skew

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class MemoryDisk:
    """What is left of a machine that was killed; a dead process writes nothing more to it."""

    def __init__(self, life: Life, files: dict[str, bytes]) -> None:
        self._life, self._files = life, files

    def keep(self, name: str, content: bytes) -> None:
        self._life.check()
        self._files[name] = content

    def kept(self, name: str) -> bytes | None:
        return self._files.get(name)


@dataclass
class SharedBlobs:
    """All bytes that anybody kept, by digest."""

    ways: Ways
    held: dict[str, bytes] = field(default_factory=dict)

    def add(self, content: bytes) -> str:
        """Keep it, at once."""
        digest = blake3(content).hexdigest()
        self.held[digest] = content
        return digest


@dataclass(frozen=True)
class MemoryBlobs:
    """The shared blobs, as one machine reaches them."""

    name: str
    shared: SharedBlobs

    async def put(self, content: bytes) -> str:
        ways = self.shared.ways
        await ways.go(self.name, STORE, "blobs put", len(content))
        digest = self.shared.add(content)
        await ways.go(STORE, self.name, "answers")
        return digest

    async def has(self, digest: str) -> bool:
        await self.shared.ways.go(self.name, STORE, "answers")
        return digest in self.shared.held

    async def get(self, digest: str) -> bytes | None:
        ways = self.shared.ways
        await ways.go(self.name, STORE, "answers")
        content = self.shared.held.get(digest)
        await ways.go(STORE, self.name, "blobs got", len(content or b""))
        return content


class PeerNet:
    """Who can be reached now, by node."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.refused = 0
        self._serving: dict[str, tuple[Life, Handler]] = {}

    def serve(self, life: Life, node: str, handler: Handler) -> None:
        """From now on frames to the node go there."""
        self._serving[node] = life, handler

    def deliver(self, source: str, node: str, content: bytes) -> bool | None:
        """Whether the node takes a frame; None if nobody is there, or it finds it to be none."""
        life, handler = self._serving.get(node, (None, None))
        if life is None or handler is None or life.over:
            return None
        try:
            return life.call(handler, source, content)
        except FrameError:
            self.refused += 1
            return None


class MemoryPeers:
    """Frames between machines of one process; a node's key is made of its machine's name."""

    def __init__(self, life: Life, net: PeerNet) -> None:
        self.node, self._life, self._net = node_of(life.name), life, net

    def serve(self, handler: Handler) -> None:
        self._net.serve(self._life, self.node, handler)

    async def send(self, node: str, content: bytes) -> bool:
        net, source, target = self._net, self._life.name, name_of(node)
        await net.ways.go(source, target, "frames", len(content))
        taken = net.deliver(self.node, node, content)
        if taken is None:
            await net.ways.nobody(source, target)
        if (later := net.ways.again()) is not None:
            asyncio.get_running_loop().call_later(later, net.deliver, self.node, node, content)
        await net.ways.go(target, source, "answers")
        return bool(taken)


def node_of(name: str) -> str:
    """The node key of a machine."""
    return f"node of {name}"


def name_of(node: str) -> str:
    """The machine of a node key."""
    return node.removeprefix("node of ")


@dataclass(frozen=True)
class SeededChain:
    """A block every 12 seconds; hashes that nobody knows who has not the seed."""

    seed: int
    run: str = "simulated"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"chain of seed {self.seed}; give 0 or more")

    def newest(self) -> tuple[int, str]:
        number = int(asyncio.get_running_loop().time()) // BLOCK_SECONDS
        named = hashlib.sha256(f"{self.run}/{self.seed}/{number}".encode()).hexdigest()
        return number, "0x" + named
