"""Whoever pays a friend at the epoch and shows the true weights before and after is found out."""

from __future__ import annotations

from pathlib import Path
from random import Random

from iotapretrain.competition.audit.check import Name
from iotapretrain.competition.audit.repeated import AuditBench
from iotapretrain.competition.audit.run import Agreed, Report, audit
from iotapretrain.models.worker import Worker
from tests.chain.worlds import hotkey, keys
from tests.competition.world import NETUID, SCHEDULE, World, opened

FRIEND = "miner-3"


async def audited(world: World, number: int | None = None, since: int | None = None) -> Report:
    bench = AuditBench(world.hub, world.models, world.text, world.worker)
    agreed = Agreed.of(SCHEDULE, "mini.toml")
    return await audit(
        world.client, NETUID, bench, agreed, number, sample=1, rng=Random(7), since=since
    )


async def paid_at_the_epoch(world: World) -> int:
    """A friend without a model has the whole row when the epoch runs; its block is returned."""
    await world.commit("miner-1", world.model(1.0))
    await world.client.register(keys(FRIEND), NETUID)
    await world.advance(6)
    signed = await world.round("validator-1")
    epoch = await world.client.sdk.epochs.next_epoch_start_block(NETUID)
    await world.to_block(epoch - 2)
    await world.set_weights("validator-1", {hotkey(FRIEND): 1.0})
    await world.to_block(epoch + 5)
    graph = await world.client.metagraph(NETUID, world.chain.head())
    assert graph.incentive[graph.uid(hotkey(FRIEND))] > 0.99
    await world.set_weights("validator-1", signed.record.weights)
    return int(epoch)


async def test_false_weights_at_an_epoch_are_found_though_the_row_is_true_again(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        epoch = await paid_at_the_epoch(world)
        report = await audited(world)
        assert {check.name for check in report.checks if not check.held} == {Name.EPOCHS}
        graph = await world.client.metagraph(NETUID, world.chain.head())
        friend = f"uid {graph.uid(hotkey(FRIEND))}, hotkey {hotkey(FRIEND)}"
        named = [each for each in report.differences if each.item.endswith(friend)]
        assert {each.item.split(", ")[0] for each in named} == {
            f"epoch of block {epoch}",
            f"sync block {epoch}",
        }
        assert {(each.published, each.found) for each in named} == {(0.0, 1.0)}
        await _found_later_by_since(world, epoch)


async def _found_later_by_since(world: World, epoch: int) -> None:
    """Newer records cover it up, unless whoever looks goes back far enough."""
    await world.advance(6)
    await world.round("validator-1")
    await world.advance(8)
    await world.round("validator-1")
    assert not (await audited(world)).differences
    report = await audited(world, since=epoch - 1)
    assert {check.name for check in report.checks if not check.held} == {Name.EPOCHS}
    assert not (await audited(world, since=epoch + 6)).differences
    assert any(each.item.startswith("epoch") for each in (await audited(world, 1)).differences)
