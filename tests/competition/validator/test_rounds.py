"""Whole rounds on a real chain and hub: who wins, what is published, what the chain gets."""

from __future__ import annotations

import asyncio
import shutil
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.audit.repeated import AuditBench
from iotapretrain.competition.audit.run import Agreed, audit
from iotapretrain.competition.records.committed import read_ground
from iotapretrain.competition.records.public_rounds import PublicRounds
from iotapretrain.competition.records.round_record import is_sealed
from iotapretrain.competition.validator.on_chain import say_where
from iotapretrain.competition.validator.run import Scoring, open_score
from iotapretrain.errors import ChainError, InputError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.observe.events import RoundFinished
from iotapretrain.rules.competition.attempts import Outcome
from tests.chain.worlds import hotkey, keys
from tests.competition.validator.rig import Oracle, Rig, without_author
from tests.competition.world import NETUID, World, opened

SMALL = Budget(seconds=60, memory_bytes=2 * 2**30)


async def three(world: World) -> None:
    """Three miners with models, past their delay at block 30."""
    for number, scale in enumerate((6.0, 5.0, 0.1), start=1):
        await world.commit(f"miner-{number}", world.model(scale, seed=number))
    await world.to_block(30)


async def test_two_validators_and_an_auditor_agree(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await three(world)
        rigs = [Rig(world, name) for name in ("validator-1", "validator-2")]
        for rig in rigs:
            with open_score(rig.state_folder, Scoring(race=False, budget=SMALL)) as score:
                rig.oracle = score
                assert await rig.run() == 2  # a round of each competition
        page = (Path(__file__).parents[3] / "docs" / "records.md").read_text()
        finished = [each for each in rigs[0].ears.heard if isinstance(each, RoundFinished)]
        assert [f"By stage: {', '.join(each.seconds)}." in page for each in finished] == [True] * 2
        one, two = (rig.records() for rig in rigs)
        assert list(map(without_author, one)) == list(map(without_author, two))
        assert one[0].champion == hotkey("miner-3")
        await world.to_epoch()
        graph = await world.client.metagraph(NETUID, world.chain.head())
        assert graph.incentive[graph.uid(hotkey("miner-3"))] > 0.95
        bench = AuditBench(world.hub, world.models, world.text, worker)
        agreed = Agreed.of(world.schedule_text, "mini.toml")
        for number in (1, 2):
            report = await audit(
                world.client, NETUID, bench, agreed, number, hotkey("validator-1"), None, Random(1)
            )
            assert [each.sentence for each in report.differences if each.check != "chain"] == []


async def test_a_record_is_signed_and_says_where_it_is(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await three(world)
        rig = Rig(world)
        await rig.run()
        hub = FolderHub(tmp_path / "hub")
        public = PublicRounds(hub, rig.repository)
        assert public.numbers() == [1, 2]
        signed = public.read(2)
        assert is_sealed(signed, is_signature)
        assert signed.record.previous == public.read(1).digest
        head = world.chain.head()
        said = (await world.client.commitments(NETUID, head)).by_hotkey[hotkey("validator-1")]
        assert said.data == f"rounds:{rig.repository}".encode()
        await world.to_block(36)
        await rig.run()
        head = await world.advance(1)
        said = (await world.client.commitments(NETUID, head)).by_hotkey[hotkey("validator-1")]
        assert said.data == f"rounds:{rig.repository}@{signed.digest}".encode()
        files = sorted(path.name for path in (rig.state_folder / "rounds").iterdir())
        assert files == [f"{number:06d}.json" for number in range(1, 5)]


async def test_one_round_a_sync_block(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await three(world)
        rig = Rig(world)
        assert await rig.run() == 2
        assert await rig.run() == 2
        await world.to_block(35)
        assert await rig.run() == 4
        assert [record.block for record in rig.records()] == [30, 30, 35, 35]
        assert [record.competition for record in rig.records()] == [0, 1, 0, 1]


async def test_whoever_waits_for_a_judgement_says_until_when(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        await three(world)
        rig = Rig(world, settings={"once": False, "rounds": 4})
        running = asyncio.create_task(rig.run())
        async with asyncio.timeout(60):
            while not rig.idle:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # several looks: it is said once
        (said,) = rig.idle
        assert said.startswith("next judgement at block 35, while the chain's clock stands at")
        await world.to_block(35)
        assert await running == 4


async def test_weights_keep_their_cadence(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await three(world)
        rig = Rig(world, settings={"weights_every": 12})
        updates = []
        for block in range(30, 70, 5):
            await world.to_block(max(block, world.chain.head() + 1))
            await rig.run()
            graph = await world.client.metagraph(NETUID, world.chain.head())
            updates.append(int(graph.last_update[graph.uid(hotkey("validator-1"))]))
        kept = sorted(set(updates))
        assert len(kept) == 3
        assert all(later - earlier >= 12 for earlier, later in pairwise(kept))


async def test_refused_models_are_named_with_their_reasons(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        best = world.model(0.6, seed=3)
        await world.commit("miner-1", best)
        await world.commit("miner-2", best)
        honest = world.model(1.0, seed=1)
        (honest / "model.safetensors").write_bytes(b"no weights")
        await world.commit("miner-3", honest)
        hidden = await world.commit("miner-4", world.model(0.9, seed=4))
        owned = FolderHub(tmp_path / "hub", "miner-4")
        owned.set_visibility(RepositoryId(hidden.namespace, hidden.name), "private")
        shutil.rmtree(world.models.root)
        await world.to_block(30)
        rig = Rig(world)
        await rig.run()
        record = rig.records()[0]
        assert record.champion == hotkey("miner-1")
        codes = {
            model.hotkey: (model.outcome, [reason.code for reason in model.reasons])
            for model in record.models
        }
        assert codes[hotkey("miner-2")] == ("inadmissible", ["copy"])
        assert codes[hotkey("miner-3")] == ("inadmissible", ["header"])
        assert codes[hotkey("miner-4")] == ("model", ["gone"])
        assert str(tmp_path) not in str(record)


async def test_a_copy_in_disguise_takes_no_part_and_races_nobody_out(
    tmp_path: Path, worker: Worker
) -> None:
    """It loses less than the original, by luck or by a forgery; the field is scored without it."""
    async with opened(tmp_path, worker) as world:
        await three(world)
        owner, honest, thief = (hotkey(f"miner-{number}") for number in (1, 2, 3))
        same = tuple(float(n % 7) for n in range(200))
        oracle = Oracle({owner: 2.5, honest: 2.8, thief: 1.0})
        oracle.behaviours = {owner: same, honest: (*same[1:], 9.0), thief: same}
        rig = Rig(world, oracle=oracle)
        await rig.run()
        calls = [sorted([owner, honest, thief]), sorted([owner, honest])]
        assert [sorted(call) for call in oracle.calls] == calls * 2  # in each competition
        for record in rig.records():
            assert record.champion == owner
            refused = next(model for model in record.models if model.hotkey == thief)
            assert (refused.outcome, refused.score, refused.weight) == ("inadmissible", None, 0.0)
            told = [(reason.code, reason.item) for reason in refused.reasons]
            assert told == [("near-copy", owner)]
            assert refused.losses  # the evidence
        state = await rig.state()
        assert state.history.of(thief, 0)[-1].outcome == "inadmissible"


async def test_our_failures_are_nobodys_loss(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await three(world)
        oracle = Oracle({hotkey("miner-3"): 2.0})
        rig = Rig(world, oracle=oracle)
        await rig.run()
        before = (await rig.state()).standings
        await world.to_block(35)
        oracle.losses[hotkey("miner-3")] = Outcome.INFRASTRUCTURE
        assert await rig.run() == 4  # the third try of each competition goes on without it
        after = (await rig.state()).standings
        assert after.competitions.keys() == before.competitions.keys()
        for competition, averages in before.competitions.items():
            assert max(averages, key=averages.__getitem__) == max(
                after.competitions[competition], key=after.competitions[competition].__getitem__
            )
        oracle.losses[hotkey("miner-3")] = 2.0
        await world.to_block(40)
        assert await rig.run() == 6


async def test_whoever_is_not_registered_cannot_validate(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        with pytest.raises(InputError, match="is not registered on subnet 1"):
            await Rig(world, name="owner").run()


async def test_a_hotkey_that_committed_a_model_keeps_it(tmp_path: Path, worker: Worker) -> None:
    """Refused at the start; and whenever it is committed later, never written over."""
    async with opened(tmp_path, worker) as world:
        await three(world)
        before = (await read_ground(world.client, NETUID)).text(hotkey("miner-1"))
        rig = Rig(world, name="miner-1")
        with pytest.raises(InputError, match="its commitment names a model"):
            await rig.run()
        with pytest.raises(ChainError, match="its commitment names a model"):
            await say_where(world.client, keys("miner-1"), NETUID, rig.repository, None, 5)
        assert not rig.state_folder.exists()
        await world.advance(1)
        assert (await read_ground(world.client, NETUID)).text(hotkey("miner-1")) == before
