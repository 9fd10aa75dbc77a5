"""A validator that swears that its friend's model is the best, and the stranger who looks again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iotapretrain.arena.actors.liar import favouring
from iotapretrain.cli.main import app
from iotapretrain.competition.validator.run import Scoring, open_score
from iotapretrain.models.worker import Budget, Worker
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Rig
from tests.competition.world import SCHEDULE, World, opened

ONE = SCHEDULE[: SCHEDULE.index('[[competition]]\nname = "mini-code"')].replace(
    "share = 0.6", "share = 1.0"
)
BUDGET = Budget(seconds=60, memory_bytes=2 * 2**30)
FRIEND = "miner-1"


async def test_a_liar_is_exposed_by_model_and_page_and_an_honest_validator_is_not(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "auditor"))
    monkeypatch.delenv("IOTA_CACHE", raising=False)
    async with opened(tmp_path, worker, ONE) as world:
        await world.commit(FRIEND, world.model(2.5, seed=1))
        await world.commit("miner-2", world.model(0.5, seed=2))
        await world.to_block(35)
        liar, honest = (Rig(world, name) for name in ("validator-1", "validator-2"))
        with open_score(tmp_path, Scoring(race=False, budget=BUDGET)) as score:
            honest.oracle, liar.oracle = score, favouring(hotkey(FRIEND))(score)
            assert await honest.run() == await liar.run() == 1
        assert liar.records()[0].champion == hotkey(FRIEND)
        assert honest.records()[0].champion == hotkey("miner-2")
        code, said = await audited(world, honest.name)
        assert (code, said[-1]) == (0, f"round 1 of {hotkey(honest.name)}: holds"), said
        code, said = await audited(world, liar.name)
        assert (code, said[-1]) == (1, f"round 1 of {hotkey(liar.name)}: exposed"), said
        friend = next(m for m in liar.records()[0].models if m.hotkey == hotkey(FRIEND))
        for task, losses in friend.losses.items():
            for page in range(len(losses)):
                named = f"losses: uid {friend.uid}, {task}, page {page}: says"
                assert any(named in line for line in said), said


async def audited(world: World, validator: str) -> tuple[int, list[str]]:
    """`iota audit latest` by somebody else: its exit code, and its lines."""
    command = (
        *("audit", "latest", "--validator", hotkey(validator), "--network", world.network),
        *("--hub", f"folder:{world.folder / 'hub'}", "--competitions", str(world.schedule_file)),
    )
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    return result.exit_code, [line.strip() for line in result.stdout.splitlines()]
