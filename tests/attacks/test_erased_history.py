"""A new repository does not erase a history, and two histories are not one."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from iotapretrain.chain.client import ChainClient
from iotapretrain.cli.main import app
from iotapretrain.competition.audit.check import Name
from iotapretrain.competition.audit.run import Report
from iotapretrain.competition.records import trails, whole_history
from iotapretrain.competition.records.committed import Ground, ground_at, read_ground
from iotapretrain.competition.records.opinions import by_stake, network_id
from iotapretrain.competition.records.opinions import rounds_of as rounds_of_validator
from iotapretrain.competition.records.public_rounds import publish_round, rounds_commitment
from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.competition.records.whole_history import WholeHistory, read_trail
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.worker import Worker
from tests.attacks.test_epoch_weights import audited
from tests.chain.worlds import hotkey, keys
from tests.competition.world import NETUID, World, opened, rounds_of

ME = "validator-1"
FRESH = RepositoryId(ME, "fresh")


async def say(world: World, text: str) -> None:
    await world.advance(6)
    await world.client.commit(keys(ME), NETUID, text.encode())


async def lived(world: World) -> SignedRound:
    """A round, and its weights on the chain."""
    await world.commit("miner-1", world.model(1.0))
    await world.commit("miner-2", world.model(0.8))
    await world.advance(10)
    return await world.round(ME)


async def began_anew(world: World) -> None:
    """Another first round in a repository without a past."""
    world.newest.pop(ME)
    await world.advance(6)
    signed = world.sealed(ME, await world.record(ME))
    publish_round(FolderHub(world.folder / "hub", ME), FRESH, signed)
    await world.set_weights(ME, signed.record.weights)


def found(report: Report) -> list[str]:
    return [each.item for each in report.differences if each.check is Name.HISTORY]


async def test_a_new_repository_leaves_the_old_one_in_view(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await lived(world)
        await say(world, rounds_commitment(FRESH))
        await began_anew(world)
        assert found(await audited(world)) == ["round 1 has two records"]
        said = (await read_ground(world.client, NETUID)).commitments.by_hotkey[hotkey(ME)]
        shutil.rmtree(tmp_path / "hub" / "repositories" / ME / "rounds")
        (item,) = found(await audited(world))
        assert item.startswith(f"records in {rounds_of(ME)}, committed at block ")
        assert int(item.rsplit(" ", 1)[1]) < said.block


async def test_a_move_that_goes_on_with_the_history_holds(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        first = await lived(world)
        await say(world, rounds_commitment(FRESH, first.digest))
        signed = world.sealed(ME, await world.record(ME))
        publish_round(FolderHub(tmp_path / "hub", ME), FRESH, signed)
        await world.set_weights(ME, signed.record.weights)
        report = await audited(world)
        assert (report.round, report.differences) == (2, ())


async def test_a_record_that_was_anchored_cannot_be_exchanged(
    tmp_path: Path, worker: Worker
) -> None:
    """Two histories, each in itself without a fault: the chain says which one was told first."""
    async with opened(tmp_path, worker) as world:
        first = await lived(world)
        await say(world, rounds_commitment(rounds_of(ME), first.digest))
        assert not (await audited(world)).differences
        anchored = (await read_ground(world.client, NETUID)).commitments.by_hotkey[hotkey(ME)]
        shutil.rmtree(tmp_path / "hub" / "repositories" / ME / "rounds")
        world.newest.pop(ME)
        other = msgspec.structs.replace(first.record, code_version="another")
        world.publish(ME, other)
        await say(world, rounds_commitment(rounds_of(ME)))
        assert found(await audited(world)) == [f"record anchored at block {anchored.block}"]


async def answer(world: World, *words: str) -> Any:
    """What a command that reads records says, as JSON."""
    options = ["--network", world.network, "--hub", f"folder:{world.folder}/hub", "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, app, [*words, *options])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def told(world: World) -> list[dict[str, Any]]:
    """What `iota history` says of the validator."""
    mini = f"{world.schedule_file}:mini"
    found = await answer(world, "history", "--competition", mini, "--validator", hotkey(ME))
    return list(found)


async def test_readers_see_what_lies_in_a_repository_of_long_ago(
    tmp_path: Path, worker: Worker
) -> None:
    """A liar's two rounds are gone from view behind a fresh repository that it names ever again."""
    async with opened(tmp_path, worker) as world:
        first = await lived(world)
        await world.to_block(first.record.sync_block + 21)
        await world.round(ME)
        assert [each["skipped"] for each in await told(world)] == [0, 3]
        await say(world, rounds_commitment(FRESH))
        await began_anew(world)
        for number in range(12):
            await world.advance(20)
            await say(world, rounds_commitment(FRESH, f"{number:064x}"))
        seen = [(each["round"], each["twice"], each["skipped"]) for each in await told(world)]
        assert seen == [(1, True, 2), (2, False, 0)]  # the other round 1 came after round 2
        ours = ["--competitions", str(world.schedule_file)]
        (account,) = (await answer(world, "explain", "uid:2", "--round", "2", *ours))["accounts"]
        assert (account["round"], account["validator"]) == (2, hotkey(ME))
        (mini, _) = await answer(world, "leaderboard", *ours)
        assert len(mini["skipped_sync_blocks"]) > 40
        ground = await read_ground(world.client, NETUID)
        network = await network_id(world.client)
        plain = [each for each in by_stake(ground) if each.validator == hotkey(ME)]
        alone = WholeHistory(world.hub, plain[0].repositories)
        rounds = rounds_of_validator(alone, plain[0], network, NETUID, 0, newest=10)
        assert [record.round for record in rounds] == [1]  # all that the newest repository holds


async def test_old_repositories_are_found_in_few_looks_that_all_validators_share(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, worker) as world:
        names = [f"rounds:{ME}/moved-{number}" for number in range(3)]
        for text in names:
            await say(world, text)
            await world.advance(300)
        looks: list[int] = []

        async def counted(client: ChainClient, netuid: int, block: int) -> Ground | None:
            looks.append(block)
            return await ground_at(client, netuid, block)

        monkeypatch.setattr(trails, "ground_at", counted)
        ground = await read_ground(world.client, NETUID)
        everybody = [hotkey(ME), hotkey("validator-2")]
        found = await trails.read_trails(world.client, ground, everybody)
        repositories = [each.name for each in found[hotkey(ME)].repositories]
        assert repositories == ["moved-2", "moved-1", "moved-0", "rounds"]
        assert [each.cut for each in found.values()] == [None, None]
        assert len(looks) == len(set(looks)) <= 40 < ground.block // 20
        await _noted_without_looking_back(world, looks)
        monkeypatch.setattr(whole_history, "MOST_LOOKS", 2)
        whole = await trails.read_whole_trail(world.client, ground, hotkey(ME))
        assert whole.repositories == found[hotkey(ME)].repositories
        assert whole.cut is not None
        monkeypatch.setattr(trails, "MOST_HALVINGS", 2)
        cut = (await trails.read_trails(world.client, ground, everybody))[hotkey(ME)].cut
        assert cut is not None
        assert cut.startswith("not all commitments before block")


async def _noted_without_looking_back(world: World, looks: list[int]) -> None:
    """Whoever asks again, as the dashboard does, pays for the past once."""
    places = trails.Places()
    ground = await read_ground(world.client, NETUID)
    before = (await places.of(world.client, ground, [hotkey(ME)]))[hotkey(ME)]
    looks.clear()
    await say(world, rounds_commitment(FRESH))
    ground = await read_ground(world.client, NETUID)
    after = (await places.of(world.client, ground, [hotkey(ME)]))[hotkey(ME)]
    assert after.repositories == (FRESH, *before.repositories)
    assert looks == []
    for number in range(trails.MOST_REPOSITORIES):
        await say(world, f"rounds:{ME}/more-{number}")
        ground = await read_ground(world.client, NETUID)
        after = (await places.of(world.client, ground, [hotkey(ME)]))[hotkey(ME)]
    assert len(after.repositories) == trails.MOST_REPOSITORIES
    assert after.cut == "it named more than 16 repositories; the newest are read"


async def test_the_trail_goes_back_through_every_commitment(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker) as world:
        await lived(world)
        texts = [f"rounds:{ME}/r-{number}" for number in range(3)]
        for text in (*texts, "something else", f"rounds:{ME}/last"):
            await say(world, text)
        ground = await read_ground(world.client, NETUID)
        trail = await read_trail(world.client, ground, hotkey(ME))
        names = [each.name for each in trail.repositories]
        assert names == ["last", "r-2", "r-1", "r-0", "rounds"]
        assert [each.paid for each in trail.said] == [False, False, False, False, True]
        assert trail.cut is None
