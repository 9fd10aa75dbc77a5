"""The orchestrator at its door: who may ask for what, and what it leaves in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.swarm_records import SwarmRecord
from iotapretrain.rules.swarm.log.swarm_state import SwarmState
from iotapretrain.swarm.orchestrator import Orchestrator
from tests.rules.swarm.log.played_swarm import PlayedSwarm, hash_of

HASH = hash_of("any")


@dataclass
class PlayedLog:
    """A played swarm as the log that an orchestrator writes, with its clock and chain."""

    swarm: PlayedSwarm

    @property
    def sequence(self) -> int:
        return len(self.swarm.log)

    @property
    def state(self) -> SwarmState:
        return self.swarm.state

    def write(self, made: Sequence[SwarmRecord], author: str = "") -> None:
        self.swarm.write(*made)

    def now(self) -> int:
        return self.swarm.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def newest(self) -> tuple[int, str]:
        return self.swarm.block, f"0x{self.swarm.block:064x}"


class NoBlobs:
    """A store that has nothing."""

    async def put(self, content: bytes) -> str:
        raise NotImplementedError

    async def has(self, digest: str) -> bool:
        return False

    async def get(self, digest: str) -> bytes | None:
        return None


@pytest.fixture
def log() -> PlayedLog:
    played = PlayedSwarm()
    played.ask(records.ValidatorJoined("val", "cpu", 0))
    played.begin("ann", "bob", "cid", "dee")
    played.train()
    return PlayedLog(played)


@pytest.mark.parametrize(
    "request_",
    [
        records.MinerLeft("ann", "left", 0),
        records.MinerJoined("ann", "eve's node", "cpu", 1.0, False, 0),
        records.ReceiptsFiled("ann", (), 0),
        records.HopMoved("ann", 0, 1, 0, 0),
        records.ChangeAnnounced("ann", 0, 0, HASH, (), 0),
        records.BaseSigned("ann", 0, 0, HASH, (), 0),
        records.VerdictFiled("val", "eve", 0, 0, 0, HASH, HASH, 0),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_nobody_asks_in_the_name_of_another(log: PlayedLog, request_: SwarmRecord) -> None:
    orchestrator, before = Orchestrator(log, log, NoBlobs(), log), log.sequence
    with pytest.raises(InputError, match="in the name of another"):
        await orchestrator.ask("eve", request_)  # type: ignore[arg-type]  # all of them are requests
    assert log.sequence == before


async def test_a_change_that_nobody_can_fetch_is_not_published(log: PlayedLog) -> None:
    log.swarm.announce("ann")
    stage = log.swarm.stage_of("ann")
    published = records.ChangePublished("ann", stage, log.state.stages[stage].epoch, HASH, 0)
    orchestrator, before = Orchestrator(log, log, NoBlobs(), log), log.sequence
    with pytest.raises(InputError, match="publish it first"):
        await orchestrator.ask("ann", published)
    assert log.sequence == before
