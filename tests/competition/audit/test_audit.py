"""Honest rounds hold; every falsehood is exposed by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from iotapretrain.competition.audit.audit import Agreed, Report, Verdict, audit
from iotapretrain.competition.audit.repeated import Bench
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competitions import parse
from tests.competition.world import NETUID, SCHEDULE, World, opened


@pytest.fixture
async def world(tmp_path: Path, worker: Worker) -> AsyncIterator[World]:
    """Two miners, and the validators ready to judge them."""
    async with opened(tmp_path, worker) as made:
        await made.commit("miner-1", made.model(1.0))
        await made.commit("miner-2", made.model(0.8))
        await made.advance(10)
        yield made


async def audited(world: World, number: int | None = None, sample: int | None = None) -> Report:
    bench = Bench(world.hub, world.models, world.text, world.worker)
    agreed = Agreed(parse(SCHEDULE, "mini.toml"), SCHEDULE)
    return await audit(world.client, NETUID, bench, agreed, number, sample=sample)


async def test_an_honest_round_holds(world: World) -> None:
    await world.round("validator-1")
    report = await audited(world)
    assert [each.sentence for each in report.differences] == []
    assert report.verdict is Verdict.HOLDS
    assert report.computed == report.losses == 8
