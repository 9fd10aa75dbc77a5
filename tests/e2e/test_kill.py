"""`kill -9` at random points: nothing is lost, counted twice, or left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Rig, without_author
from tests.competition.validator.test_process import gone, workers_of
from tests.competition.world import NETUID, World, opened
from tests.e2e.dying import KILLS, MINERS, TWIN, VICTIM

ROOT = Path(__file__).parents[2]


async def test_killed_thirty_times_it_is_where_its_twin_is(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        for number, name in enumerate(MINERS):
            await world.commit(name, world.model(1.0, seed=number))
        process = start(tmp_path, "main")
        said, trouble = process.communicate(timeout=280)
        assert process.returncode == 0, trouble
        kills, blocks = map(int, said.split())
        assert kills >= KILLS
        twin, victim = (Rig(world, name) for name in (TWIN, VICTIM))
        records = victim.records()
        assert [record.round for record in records] == list(range(1, 2 * blocks + 1))
        assert list(map(without_author, records)) == list(map(without_author, twin.records()))
        assert len({record.champion for record in records}) == len(MINERS)
        one, two = [await twin.state(), await victim.state()]
        assert (one.rounds, one.standings, one.kept) == (two.rounds, two.standings, two.kept)
        assert two.unpublished == {}
        assert await row(world, TWIN) == await row(world, VICTIM) != {}


async def test_no_worker_outlives_a_killed_validator(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await world.commit(MINERS[0], world.model(1.0))
        await world.to_block(30)
        process = start(tmp_path, "orphaned")
        try:
            wait_until(lambda: process.poll() is not None or len(workers_of(process.pid)) > 0)
            assert workers_of(process.pid), process.communicate()
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        assert gone(process.pid)


def start(folder: Path, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.dying", str(folder), what],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(done: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(0.02)


async def row(world: World, name: str) -> dict[int, float]:
    """What a validator's row on the chain gives, at the newest block."""
    head = world.chain.head()
    graph = await world.client.metagraph(NETUID, head)
    return (await world.client.weights(NETUID, head)).get(graph.uid(hotkey(name)), {})
