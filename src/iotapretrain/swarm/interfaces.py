"""What a role of a swarm needs of the world it runs in; everything else it decides by the rules.

Roles are written once over these: a simulated world (memory, virtual time) and the real one
implement them, and one suite of tests holds for both. Every call that waits ends, or raises
AwayError within the time that its docstring names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from iotapretrain.rules.swarm.frame import FrameShape
from iotapretrain.rules.swarm.log.requests import Request
from iotapretrain.rules.swarm.log.swarm_records import SwarmRecord
from iotapretrain.rules.swarm.log.swarm_state import SwarmState


class SwarmClock(Protocol):
    """A machine's time; it may be wrong, so nothing is agreed on by it."""

    def now(self) -> int:
        """Milliseconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


Handler = Callable[[str, bytes], bool]
"""Takes a node's frame: True if it is taken, False if its receiver is busy; raises FrameError."""


class SwarmPeers(Protocol):
    """Frames to other miners, by the node keys that the log binds to their hotkeys."""

    def serve(self, handler: Handler) -> None:
        """Give every frame that arrives to the handler."""
        ...

    async def send(self, node: str, content: bytes) -> bool:
        """Whether the node took it; AwayError if it says nothing within seconds."""
        ...


class SwarmBlobs(Protocol):
    """Bytes by their BLAKE3 digest in hexadecimal, for everybody."""

    async def put(self, content: bytes) -> str:
        """Keep it; its digest. AwayError if it cannot be kept now."""
        ...

    async def has(self, digest: str) -> bool:
        """Whether it can be fetched. AwayError if nobody answers now."""
        ...

    async def get(self, digest: str) -> bytes | None:
        """The bytes, checked; None if nobody has them. AwayError if nobody answers now."""
        ...


class SwarmLog(Protocol):
    """The run's log, as one participant sees it: asking the orchestrator, and reading."""

    async def ask(self, request: Request) -> int:
        """A record's number behind which what was asked for is durable.

        InputError refuses; AwayError: it may be durable or not, ask again.
        """
        ...

    async def behind(self, sequence: int) -> tuple[int, SwarmState]:
        """The newest record's number and the state behind it, once there is a later one.

        Returns the same number if nothing came within seconds: reading shows that one is there.
        """
        ...


class SwarmDisk(Protocol):
    """What a participant finds again after it was killed: whole, or as it was before."""

    def keep(self, name: str, content: bytes) -> None:
        """Replace what is kept under the name."""
        ...

    def kept(self, name: str) -> bytes | None:
        """What was kept last."""
        ...


@dataclass(frozen=True)
class Passed:
    """What a stage made of a sample: bytes for the neighbour, at the tail gradient and loss."""

    sent: bytes
    loss: float | None = None


class StageCompute(Protocol):
    """One stage on one machine. Calls are never made two at a time.

    Between two merges it has a base, and what it did since (`change`); a merge gives it another
    base, on which it goes on with what was not merged.
    """

    async def begin(self, stage: int, base: bytes) -> None:
        """Hold this base of this stage, and nothing done."""
        ...

    async def forward(self, route: int, received: bytes) -> Passed:
        """Rows to send on; at the tail, backward too: rows to send back, and the loss."""
        ...

    async def backward(self, route: int, returned: bytes) -> bytes | None:
        """Rows to send back; None if its forward is too old or unknown."""
        ...

    def forget(self, routes: Sequence[int]) -> None:
        """These come to nothing."""
        ...

    async def step(self) -> str | None:
        """Move by the gradients that are there; the next link, None where there are none."""
        ...

    async def change(self, hotkey: str) -> tuple[bytes, str]:
        """What was done since the base, and was not merged, coded; and its bound digest."""
        ...

    async def merged(
        self, changes: Mapping[str, tuple[int, str, bytes | None]], epoch: int
    ) -> tuple[bytes, tuple[str, ...]] | None:
        """The next base of weight, bound digest and bytes by hotkey, and whose are not in it.

        None if it comes to none.
        """
        ...

    async def rebase(self, base: bytes, merged: bool) -> None:
        """Go on from another base; `merged` says whether the last change that was coded is in."""
        ...

    async def evidence(self, link: str) -> bytes | None:
        """State before the step of this link, and its inputs; None if they are gone."""
        ...

    async def replay(self, evidence: bytes) -> str:
        """The link that a step of a stranger's evidence has; empty where it is unfit."""
        ...

    def save(self) -> bytes:
        """All that it holds."""
        ...

    def load(self, saved: bytes) -> None:
        """Hold it again."""
        ...


@dataclass(frozen=True)
class MinerPlace:
    """Who a miner is, and the world around it."""

    hotkey: str
    node: str
    machine: str
    speed: float
    clock: SwarmClock
    peers: SwarmPeers
    blobs: SwarmBlobs
    log: SwarmLog
    disk: SwarmDisk
    frames: FrameShape
    samples_a_step: int = 8


class RunLog(Protocol):
    """The log as the orchestrator writes it: one writer, one record behind the other."""

    @property
    def sequence(self) -> int:
        """The newest record's number."""
        ...

    @property
    def state(self) -> SwarmState:
        """Behind the newest record."""
        ...

    def write(self, made: Sequence[SwarmRecord], author: str = "") -> None:
        """Durable on return; StoreError if not, and then nothing is written."""
        ...


class ChainEyes(Protocol):
    """What the orchestrator sees of the chain."""

    def newest(self) -> tuple[int, str]:
        """Number and hash of the newest block."""
        ...
