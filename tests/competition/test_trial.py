"""What a miner is told before it publishes, against what then happens."""

from __future__ import annotations

import math
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file

from iotapretrain.competition.trial import Trial, TrialBench, read_scene, try_model
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.eligibility import Ineligibility
from iotapretrain.scoring.loss_cache import LossCache
from tests.chain.worlds import hotkey
from tests.competition.world import DELAY, NETUID, SCHEDULE, World, changed, opened
from tests.models import zoo

SAME_PAGES = SCHEDULE.replace("sync_cadence = 5", "sync_cadence = 100_000")


@pytest.fixture
async def world(tmp_path: Path, worker: Worker) -> AsyncIterator[World]:
    async with opened(tmp_path, worker, SAME_PAGES) as made:
        yield made


@pytest.fixture
def losses(tmp_path: Path) -> Iterator[LossCache]:
    with LossCache(tmp_path / "losses.sqlite") as kept:
        yield kept


async def tried(world: World, losses: LossCache, folder: Path) -> Trial:
    cadence = world.schedule.sync_cadence
    scene = await read_scene(world.client, world.hub, NETUID, world.competition, cadence)
    tokenizer = load_tokenizer(world.competition.constraints.tokenizer)
    bench = TrialBench(world.hub, world.models, world.text, losses, world.worker, tokenizer)
    return try_model(folder, scene, bench)


async def test_a_better_model_is_told_the_very_block_from_which_it_wins(
    world: World, losses: LossCache
) -> None:
    """On pages that stay the same, so that only the clock decides."""
    champion = await world.commit("miner-1", world.model(0.9))
    better = world.model(0.5)
    await world.advance(DELAY)
    told = await tried(world, losses, better)
    assert told.duel is not None
    assert told.prospect is not None
    assert told.duel.champion.commitment == champion
    assert told.duel.needed_now < told.prospect.loss < told.duel.needed_ever
    assert told.duel.ahead == pytest.approx(told.duel.loss - told.prospect.loss)
    assert not told.prospect.wins_now
    block = told.prospect.wins_from
    assert block is not None
    assert block < told.duel.decayed_from
    await world.commit("miner-2", better)
    await world.to_block(block - 1)
    assert (await world.record("validator-1")).champion == hotkey("miner-1")
    told = await tried(world, losses, better)
    assert (told.prospect.wins_now, told.prospect.wins_from) == (False, block)
    await world.to_block(block)
    assert (await world.record("validator-1")).champion == hotkey("miner-2")
    told = await tried(world, losses, better)
    assert (told.prospect.wins_now, told.prospect.wins_from) == (True, block)
    assert told.own.hotkey == hotkey("miner-2")


async def test_asking_again_costs_nothing(
    world: World, losses: LossCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither losses nor what the inspection found are computed again, until there is another."""
    await world.commit("miner-1", world.model(0.9))
    await world.advance(DELAY)
    better = world.model(0.5)
    told = await tried(world, losses, better)
    asked: list[str] = []
    call = Worker.call

    def counted(self: Worker, task: str, *arguments: object, **named: object) -> object:
        asked.append(task)
        return call(self, task, *arguments, **named)

    monkeypatch.setattr(Worker, "call", counted)
    again = await tried(world, losses, better)
    assert asked == []
    assert (again.facts, again.duel, again.prospect) == (told.facts, told.duel, told.prospect)
    await world.advance(20 * DELAY)
    other = await world.commit("miner-1", world.model(0.7))
    assert (await tried(world, losses, better)).duel.champion.commitment == other
    assert asked == ["examine", "examine", "score_pages"], "to compare both, and the champion's"


async def test_a_model_that_is_hardly_better_never_wins(world: World, losses: LossCache) -> None:
    await world.commit("miner-1", world.model(0.5))
    await world.advance(DELAY)
    told = await tried(world, losses, world.model(0.48))
    assert told.duel.needed_ever < told.prospect.loss < told.duel.loss
    assert told.prospect.wins_from is None
    assert told.prospect.left_out is Ineligibility.NEVER_BETTER
    assert told.prospect.judged_from == told.prospect.block + 1 + DELAY


async def test_the_first_model_has_nobody_to_beat(world: World, losses: LossCache) -> None:
    told = await tried(world, losses, world.model(0.5))
    assert told.duel is None
    assert (told.prospect.wins_now, told.prospect.weight, told.prospect.field_size) == (True, 1, 1)


async def test_the_rest_of_the_field_comes_from_the_newest_record(
    world: World, losses: LossCache
) -> None:
    for number, scale in enumerate((2.0, 1.5, 1.0), start=1):
        await world.commit(f"miner-{number}", world.model(scale))
    await world.advance(60)
    record = (await world.round("validator-1")).record
    scores = {model.hotkey: model.score for model in record.models}
    told = await tried(world, losses, world.model(0.7))
    assert told.duel.champion.hotkey == record.champion == hotkey("miner-3")
    assert told.duel.loss == pytest.approx(scores[hotkey("miner-3")], rel=1e-6)
    assert told.prospect.field_size == 4
    won = told.prospect.wins
    assert won == sum(told.prospect.loss < 0.995 * score for score in scores.values())


async def test_a_model_that_validators_would_refuse_is_refused_with_the_reason(
    world: World, losses: LossCache, tmp_path: Path
) -> None:
    large = zoo.save(zoo.network("GPT2LMHeadModel", n_embd=64), tmp_path / "large")
    told = await tried(world, losses, large)
    assert [finding.code for finding in told.findings] == ["parameters"]
    assert told.prospect is None


async def test_a_champion_that_cannot_be_scored_is_named_and_met_by_nobody(
    world: World, losses: LossCache
) -> None:
    await world.commit("miner-1", world.model(math.nan))
    await world.advance(DELAY)
    told = await tried(world, losses, world.model(0.5))
    assert told.duel is None
    assert told.prospect.wins_now
    assert ["the champion, uid 2, cannot be scored" in each for each in told.missing] == [True]
    record = await world.record("validator-1")
    refused = changed(record, models=(changed(record.models[0], outcome="model"),), champion=None)
    world.publish("validator-1", refused)
    told = await tried(world, losses, world.model(0.5))
    assert told.scene.champion is None
    assert told.missing == ()


async def test_hardly_training_on_from_the_champion_makes_a_near_copy(
    world: World, losses: LossCache, tmp_path: Path
) -> None:
    champion = world.model(0.5)
    await world.commit("miner-1", champion)
    await world.advance(DELAY)
    hardly = Path(shutil.copytree(champion, tmp_path / "hardly"))
    weights = load_file(hardly / "model.safetensors")["transformer.ln_f.weight"]
    zoo.edit_tensors(hardly, {"transformer.ln_f.weight": weights * 0.99})
    for _again in range(2):
        told = await tried(world, losses, hardly)
        assert [(each.code, each.item) for each in told.findings] == [("near-copy", "uid 2")]
