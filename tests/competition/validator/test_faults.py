"""Chain, hub, text and disk cut for a while: what waits, what goes on, and that it recovers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.validator.validator import Validator
from iotapretrain.data import outcome
from iotapretrain.errors import (
    StoreError,
    SubmissionError,
    UnavailableHubError,
    UnavailableSourceError,
    UnreachableError,
)
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import Commit, Listing
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.misses import MOST_TRIES
from tests.chain.worlds import hotkey, keys
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import NETUID, SCHEDULE, World, opened


async def two_miners(world: World) -> None:
    await world.commit("miner-1", world.model(1.0, seed=1))
    await world.commit("miner-2", world.model(1.0, seed=2))
    await world.to_block(30)


@contextmanager
def failing(
    owner: Any, name: str, error: Exception, times: int, from_when: Sequence[object] = (True,)
) -> Iterator[None]:
    """A method that fails so often, then works; it begins to once `from_when` holds anything."""
    real, left = getattr(owner, name), [times]

    def strike() -> None:
        if from_when and left[0] > 0:
            left[0] -= 1
            raise error

    def method(*args: Any, **more: Any) -> Any:
        strike()
        return real(*args, **more)

    async def coroutine(*args: Any, **more: Any) -> Any:
        strike()
        return await real(*args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, coroutine if iscoroutinefunction(real) else method)
        yield


@pytest.mark.parametrize("read", ["head", "commitments", "weights"])
async def test_without_the_chain_it_waits_and_never_guesses(
    tmp_path: Path, worker: Worker, read: str
) -> None:
    """Defect 19: the original took a private random seed."""
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world, settings={"once": False, "rounds": 2})
        away, started = UnreachableError("the chain is away"), rig.ears.heard
        with failing(ChainClient, read, away, 3, from_when=started):
            assert await rig.run() == 2
        assert rig.ears.waits().count("something that is down") == 3
        (seed,) = {record.seed_hash for record in rig.records()}
        assert seed == (await world.client.block_hash(30)).hex()


async def test_while_the_hub_is_down_rounds_go_on_with_what_is_here(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        down = DownHub(world)
        rig = Rig(world, hub=down)
        assert await rig.run() == 2
        down.away = True
        await world.commit("miner-3", world.model(1.0, seed=3))
        world.models.root.joinpath("models", "miner-3").rename(tmp_path / "elsewhere")
        await world.to_block(40)
        assert await rig.run() == 4
        assert rig.ears.looks()[-1] == "infrastructure"
        assert rig.ears.waits()[-1] == "publishing a record"
        assert len(rig.records()) == 2
        down.away = False
        await world.to_block(50)
        assert await rig.run() == 6
        records = rig.records()
        assert len(records) == 6  # nothing that was signed is lost
        assert hotkey("miner-3") in [m.hotkey for m in records[4].models if m.score is not None]


class DownHub(FolderHub):
    """A hub that can be away."""

    def __init__(self, world: World) -> None:
        super().__init__(world.folder / "hub", "validator-1")
        self.away = False

    def listing(self, commit: Commit) -> Listing:
        if self.away:
            raise UnavailableHubError("the hub is away")
        return super().listing(commit)

    def resolve(self, *args: Any, **more: Any) -> Commit:
        if self.away:
            raise UnavailableHubError("the hub is away")
        return super().resolve(*args, **more)


async def test_a_copy_is_refused_by_its_listing_without_a_download(
    tmp_path: Path, worker: Worker
) -> None:
    """Defect 25: the original downloaded and scored copies in full."""
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world)
        await rig.run()
        copy = await world.commit("miner-3", world.model(1.0, seed=1))
        world.models.root.joinpath("models", "miner-3").rename(tmp_path / "elsewhere")
        await world.to_block(40)
        await rig.run()
        (refused,) = [m for m in rig.records()[-1].models if m.hotkey == hotkey("miner-3")]
        assert [reason.code for reason in refused.reasons] == ["copy"]
        assert refused.reasons[0].item == hotkey("miner-1")
        assert not world.models.root.joinpath("models", copy.namespace).exists()


async def test_without_any_text_a_round_waits_and_the_averages_stay(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world)
        away = UnavailableSourceError("python-docs", "is away")
        with failing(outcome, "open_source", away, 1_000):
            assert await rig.run() == 0
        assert (await rig.state()).weights == {}
        tried = [what for what in rig.ears.waits() if what.startswith("competition")]
        assert tried == ["competition 0", "competition 1"] * MOST_TRIES
        await world.to_block(35)
        assert await rig.run() == 2


async def test_a_task_without_text_leaves_its_weight_to_the_others(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world)
        real = outcome.open_source

        def partly(name: str, *args: Any, **more: Any) -> Any:
            if name == "python-docs":
                raise UnavailableSourceError(name, "is away")
            return real(name, *args, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outcome, "open_source", partly)
            assert await rig.run() == 2
        prose, code = rig.records()[0].tasks
        assert prose.missing is not None
        assert prose.missing.code == "unavailable"
        assert prose.pages == ()
        assert code.pages
        assert rig.records()[0].champion is not None


@pytest.mark.parametrize(
    "error",
    [StoreError("journal: the disk is full"), OSError(28, "No space left on device")],
    ids=["journal", "disk"],
)
async def test_a_full_disk_is_waited_for(tmp_path: Path, worker: Worker, error: Exception) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world, settings={"once": False, "rounds": 2})
        with failing(Validator, "_execute", error, 2):
            assert await rig.run() == 2
        assert "something that is down" in rig.ears.waits()
        assert [record.round for record in rig.records()] == [1, 2]


async def test_weights_that_the_chain_refuses_do_not_stop_rounds(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world)
        refusal = SubmissionError("rate_limited", "SettingWeightsTooFast", "too fast", "wait")
        with failing(ChainClient, "set_weights", refusal, 1_000):
            assert await rig.run() == 2
        assert "setting weights" in rig.ears.waits()
        await world.advance(1)
        await rig.run()
        assert rig.ears.heard[-1].__class__.__name__ == "WeightsSet"


async def test_a_model_that_fails_twice_is_left_alone(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        bad = hotkey("miner-1")
        oracle = Oracle({bad: Outcome.MODEL})
        rig = Rig(world, oracle=oracle)
        for block in (30, 40, 50):
            await world.to_block(max(block, world.chain.head() + 1))
            await rig.run()
        assert [bad in call for call in oracle.calls] == [True] * 4 + [False] * 2


async def test_a_stop_ends_it_at_once_and_nothing_is_lost(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        rig = Rig(world, settings={"once": False, "rounds": 2})
        task = asyncio.create_task(rig.run())
        while len(rig.ears.heard) < 5 and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
        await rig.run()
        assert len(rig.records()) == 2


async def test_a_competition_without_tokenizer_does_not_starve_the_others(
    tmp_path: Path, worker: Worker
) -> None:
    second = SCHEDULE.partition("[[competition]]")[2].partition("[[competition]]")[0]
    lame = second.replace('"bytes"', '"nowhere/pinned"').replace("id = 0", "id = 2")
    text = SCHEDULE.replace("share = 0.4", "share = 0.3").replace("share = 0.6", "share = 0.4", 1)
    text += "[[competition]]" + lame.replace('"mini"', '"lame"').replace("0.6", "0.3")
    async with opened(tmp_path, worker, text) as world:
        await two_miners(world)
        rig = Rig(world)
        assert await rig.run() == 2
        assert "competition 2" in rig.ears.waits()


async def test_a_name_that_no_hub_has_is_refused_and_stops_nobody(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await two_miners(world)
        await world.client.register(keys("miner-3"), NETUID)
        text = f"who:notes.ipynb:{'0' * 40}:{'A' * 43}=:0"
        await world.client.commit(keys("miner-3"), NETUID, text.encode())
        await world.to_block(40)
        rig = Rig(world)
        assert await rig.run() == 2
        (refused,) = [m for m in rig.records()[0].models if m.hotkey == hotkey("miner-3")]
        assert refused.outcome == "inadmissible"
        assert [reason.code for reason in refused.reasons] == ["refused"]
