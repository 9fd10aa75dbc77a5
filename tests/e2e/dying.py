"""A validator killed at random beside a twin that nobody disturbs: `python -m tests.e2e.dying NET`.

Both watch the same chain. At every sync block the twin runs through first; then the victim is
killed with -9 after a random share of the time that the twin took, again and again, until it gets
through. Ends when enough kills have struck; prints their number and that of the sync blocks.

Sittings are forks of a process that has imported everything and started nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from iotapretrain.chain.client import connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.validator.run import INSPECTION
from iotapretrain.data.outcome import RoundText
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.models import worker_tasks
from iotapretrain.models.open_files import OpenFile
from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import World

KILLS = 30
FIRST, STEP, MOST_BLOCKS = 30, 10, 300
MINERS = ("miner-1", "miner-2", "miner-3")
TWIN, VICTIM = "validator-1", "validator-2"
LOSSES = (3.0, 2.4, 2.7)


class Inline(Worker):
    """Looks into models here and now: these are our own."""

    def call(self, task: str, files: Sequence[OpenFile], arguments: Any, *_: Any) -> Any:
        opened = {file.path: file.descriptor for file in files}
        answer = getattr(worker_tasks, task)(opened, **msgspec.to_builtins(arguments))
        return msgspec.json.decode(msgspec.json.encode(answer))


@dataclass
class Fickle(Oracle):
    """Whoever is best is so for one sync block."""

    def __call__(self, contenders: Sequence[Contender], text: RoundText, terms: Terms) -> Evaluated:
        shift = terms.block // STEP
        self.losses = {
            hotkey(name): LOSSES[(number + shift) % len(LOSSES)]
            for number, name in enumerate(MINERS)
        }
        return super().__call__(contenders, text, terms)


async def sit(folder: Path, name: str, worker: Worker, place: str = "state") -> None:
    """One sitting of a validator: everything that is due at the newest sync block."""
    with EmbeddedChain(folder / "net") as chain:
        async with await connect(f"embedded:{folder / 'net'}") as client:
            world = World(folder, chain, client, FolderHub(folder / "hub"), worker)
            await Rig(world, name, place, Fickle()).run()


def forked(work: Callable[[], None]) -> int:
    """The process id of a child that does the work and ends; 1 if the work failed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def ended(child: int, patience: float | None = None) -> bool:
    """Wait for a child, at most so long, then kill it; whether it came to its end itself."""
    until = None if patience is None else time.monotonic() + patience
    while until is not None and time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return finished(status)
        time.sleep(0.001)
    if until is not None:
        os.kill(child, signal.SIGKILL)
    return finished(os.waitpid(child, 0)[1])


def finished(status: int) -> bool:
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        raise SystemExit("a sitting failed")
    return True


def advance(folder: Path, block: int) -> None:
    with EmbeddedChain(folder / "net") as chain:
        chain.advance(block - chain.head())


def main(folder: Path) -> None:
    rng = Random(7)
    kills, block = 0, FIRST

    def sitting(name: str) -> int:
        return forked(lambda: asyncio.run(sit(folder, name, Inline(INSPECTION))))

    while kills < KILLS and block < MOST_BLOCKS:
        if not ended(forked(lambda at=block: advance(folder, at))):
            raise SystemExit("the chain's hand was killed")
        began = time.monotonic()
        ended(sitting(TWIN))
        took = time.monotonic() - began
        while not ended(sitting(VICTIM), rng.random() * took):
            kills += 1
        block += STEP
    print(kills, (block - FIRST) // STEP)


def orphaned(folder: Path) -> None:
    """A validator with a real worker, which waits to be killed."""
    asyncio.run(sit(folder, VICTIM, Worker(INSPECTION), "orphan"))


if __name__ == "__main__":
    {"main": main, "orphaned": orphaned}[sys.argv[2]](Path(sys.argv[1]))
