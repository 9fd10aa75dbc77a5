"""The competition as a whole: models that trained, two validators, three rounds, a chain that pays.

Nothing is replaced but the clock, which the test moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from iotapretrain.competition.audit.repeated import AuditBench
from iotapretrain.competition.audit.run import Agreed, AuditVerdict, audit
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.competition.validator.run import Scoring, open_score
from iotapretrain.models.worker import Budget, Worker
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Rig
from tests.competition.world import NETUID, World, opened
from tests.e2e.miners import SCHEDULE

VALIDATORS = ("validator-1", "validator-2")
BUDGET = Budget(seconds=120, memory_bytes=2 * 2**30)
FIRST, ROUNDS = 30, 3


async def test_the_best_of_three_miners_is_paid_and_anyone_can_check_it(
    tmp_path: Path, worker: Worker, models: Mapping[str, Path]
) -> None:
    async with opened(tmp_path, worker, SCHEDULE) as world:
        for name, model in models.items():
            await world.commit(name, model)
        rigs = [Rig(world, name) for name in VALIDATORS]
        await three_rounds(world, rigs)
        one, two = (rig.records() for rig in rigs)
        assert len(one) == len(two) == ROUNDS
        assert {record.champion for record in one} == {hotkey("miner-3")}
        for record, other in zip(one, two, strict=True):
            assert page_digests(record) == page_digests(other)
            assert page_losses(record) == pytest.approx(page_losses(other), abs=1e-4)
        await world.to_epoch()
        await best_is_paid(world)
        for rig in rigs:
            agreed = Agreed(world.schedule, rig.configured().schedule_digest)
            bench = AuditBench(world.hub, world.models, world.text, worker)
            own = hotkey(rig.name)
            report = await audit(
                world.client, NETUID, bench, agreed, validator=own, sample=6, rng=Random(1)
            )
            assert report.round == ROUNDS
            assert [each.sentence for each in report.differences] == []
            assert report.verdict is AuditVerdict.HOLDS


async def three_rounds(world: World, rigs: list[Rig]) -> None:
    """Each validator scores with a worker of its own, and shares nothing but chain and hub."""
    with ExitStack() as stack:
        for rig in rigs:
            scoring = Scoring(race=False, budget=BUDGET)
            rig.oracle = stack.enter_context(open_score(rig.state_folder, scoring))
        for number in range(ROUNDS):
            await world.to_block(FIRST + number * world.schedule.sync_cadence)
            for rig in rigs:
                assert await rig.run() == number + 1


async def best_is_paid(world: World) -> None:
    graph = await world.client.metagraph(NETUID, world.chain.head())
    miners = [graph.uid(hotkey(f"miner-{number}")) for number in (1, 2, 3)]
    emission = [int(graph.emission[uid]) for uid in miners]
    assert emission[2] >= 0.95 * sum(emission) > 0
    for name in VALIDATORS:
        assert graph.validator_trust[graph.uid(hotkey(name))] >= 0.99


def page_digests(record: RoundRecord) -> list[str]:
    return [page.digest for task in record.tasks for page in task.pages]


def page_losses(record: RoundRecord) -> list[float]:
    """Every model's losses in one row; all were scored on every page."""
    losses = [
        loss
        for model in sorted(record.models, key=lambda model: model.uid)
        for task in record.tasks
        for loss in model.losses[task.name]
    ]
    scored = [loss for loss in losses if loss is not None]
    assert len(scored) == len(losses) > 0
    return scored
