"""Publishing: in order, once, resumable, never seen too early, and refused in one line."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.competition.publishing import committing
from iotapretrain.competition.publishing.checks_before import local_hash
from iotapretrain.competition.records.find_model import bring, find_model
from iotapretrain.errors import (
    ChainError,
    CorruptModelError,
    HubError,
    InputError,
    MissingModelError,
    RefusedModelError,
    UnavailableHubError,
    UnreachableError,
)
from iotapretrain.hub.card import Card
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.rules.competition.commitment import Commitment
from tests.chain.worlds import hotkey, keys
from tests.competition.publishing.places import (
    MINER,
    OTHER,
    RATE_LIMIT,
    REPOSITORY,
    Interrupted,
    Place,
    announcements,
    contents,
    offer,
    opened,
    write_run,
)
from tests.hub.worlds import World

DELAY = 20
ELSEWHERE = RepositoryId("alice", "nano-2")


async def committed_text(place: Place, miner: str = MINER) -> str | None:
    found = (await place.client.commitments(1)).by_hotkey.get(hotkey(miner))
    return found.data.decode() if found else None


async def test_chain_digest_and_repository_agree_and_anyone_gets_the_bytes(
    place: Place, model: Path, tmp_path: Path
) -> None:
    done = await place.publish(offer(model))
    assert not done.already
    commitment = Commitment.parse(await committed_text(place) or "")
    assert (commitment.repo_id, commitment.competition_id) == (str(REPOSITORY), 0)
    assert place.hub.resolve(REPOSITORY).id == commitment.commit
    assert done.model_hash == local_hash(model)
    assert commitment.binds(done.model_hash, hotkey(MINER))
    assert done.judged_from == done.model.block + DELAY
    assert place.stranger.visibility(REPOSITORY) == "public"
    found = await find_model(place.client, place.stranger, 1, offer(model).competition, "uid:0")
    bring(found, place.stranger, cache := ModelCache(tmp_path / "cache"), max_bytes=1 << 20)
    with cache.hold(found.commit) as fetched:
        fetched.copy_to(tmp_path / "pulled")
    pulled, sent = contents(tmp_path / "pulled"), contents(model)
    assert pulled.pop("README.md")
    assert pulled == sent
    (said,) = announcements(model)
    assert (said.commit, said.judged_from_block) == (commitment.commit, done.judged_from)


async def test_publishing_again_does_nothing(place: Place, model: Path) -> None:
    first = await place.publish(offer(model))
    place.chain.advance(RATE_LIMIT)
    again = await place.publish(offer(model))
    assert again == replace(first, already=True)
    assert place.commitments_sent() == 1
    assert place.hub.resolve(REPOSITORY) == first.model.commit
    assert len(announcements(model)) == 1


async def test_no_stranger_sees_it_before_its_commitment(place: Place, model: Path) -> None:
    hidden: list[str] = []

    def look(moment: str) -> None:
        if moment == "before commit":
            with pytest.raises(MissingModelError):
                place.stranger.resolve(REPOSITORY)
            hidden.append(moment)

    place.client = Interrupted(place.client, look)
    await place.publish(offer(model))
    assert hidden == ["before commit"]


async def test_a_hub_that_fails_at_any_call_costs_nothing_but_time(
    place: Place, model: Path
) -> None:
    failures, calls = 0, 0
    hub = place.hub

    def strike(moment: str) -> None:
        nonlocal calls
        calls += 1
        if calls > failures:
            raise HubError(f"{moment}: broken")

    place.hub = Interrupted(hub, strike)
    while True:
        calls = 0
        try:
            done = await place.publish(offer(model))
            break
        except HubError:
            failures += 1
    assert failures > 8
    assert place.commitments_sent() == 1
    assert hub.resolve(REPOSITORY) == done.model.commit
    assert hub.visibility(REPOSITORY) == "public"
    assert len(announcements(model)) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_hub_that_stays_busy_is_told_in_one_line(
    world: World, place: Place, model: Path, status: int
) -> None:
    world.faults.listing().answers(status).always()
    with pytest.raises(UnavailableHubError, match=f"{status}.*gave up after 6 tries") as caught:
        await place.publish(offer(model))
    assert "\n" not in str(caught.value)
    assert place.commitments_sent() == 0
    world.faults.pending.clear()
    done = await place.publish(offer(model))
    assert place.hub.resolve(REPOSITORY) == done.model.commit


async def test_a_hub_that_gives_back_other_bytes_gets_no_commitment(
    world: World, place: Place, model: Path
) -> None:
    world.faults.reading("model.safetensors").sends_wrong_bytes().always()
    with pytest.raises(CorruptModelError, match=r"model\.safetensors"):
        await place.publish(offer(model))
    assert place.commitments_sent() == 0
    assert place.hub.visibility(REPOSITORY) == "private"
    world.faults.pending.clear()
    assert not (await place.publish(offer(model))).already


async def test_a_second_commitment_too_early_is_told_its_block(
    local: Place, model: Path, tmp_path: Path
) -> None:
    first = await local.publish(offer(model))
    better = offer(write_run(tmp_path / "better", seed=2), ELSEWHERE)
    allowed = first.model.block + RATE_LIMIT
    now = local.chain.advance(1)
    with pytest.raises(ChainError, match=f"in block {allowed}, it is now block {now}; run"):
        await local.publish(better)
    assert local.hub.visibility(ELSEWHERE) == "private"
    local.chain.advance(allowed - 2 - local.chain.head())
    with pytest.raises(ChainError, match=f"in block {allowed},"):
        await local.publish(better)
    local.chain.advance(1)
    done = await local.publish(better)
    assert done.model.block == allowed
    assert local.commitments_sent() == 2
    assert local.hub.visibility(ELSEWHERE) == "public"


async def test_waiting_for_the_next_turn(tmp_path: Path) -> None:
    from iotapretrain.hub.folder_hub import FolderHub

    hub = tmp_path / "hub"
    async with opened(tmp_path / "net", lambda who: FolderHub(hub, who), "wall") as place:
        first = await place.publish(offer(write_run(tmp_path / "run")))
        better = offer(write_run(tmp_path / "better", seed=2), ELSEWHERE)
        done = await place.publish(better, wait=True)
        (waited,) = [said for said in place.said if said.startswith("waits: ")]
        assert f"in block {first.model.block + RATE_LIMIT}, it is now block" in waited
        assert "in about" in waited
        assert done.model.block >= first.model.block + RATE_LIMIT


async def test_an_answer_of_the_chain_that_is_lost_commits_once(
    local: Place, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "READ_BACK_SECONDS", 0.1)
    client, lost = local.client, ["before commit", "after commit"]

    def strike(moment: str) -> None:
        if lost and moment == lost[0]:
            lost.pop(0)
            raise UnreachableError("the connection broke during the submission")

    local.client = Interrupted(client, strike)
    with pytest.raises(UnreachableError):
        await local.publish(offer(model))
    assert local.commitments_sent() == 0
    done = await local.publish(offer(model))
    assert not lost
    assert not done.already
    assert local.commitments_sent() == 1


async def test_a_transaction_that_may_be_on_its_way_is_waited_for(
    local: Place, model: Path
) -> None:
    """Killed between sending and knowing; the block came while nobody looked."""
    sent: list[tuple[object, ...]] = []

    class Slow(Interrupted):
        async def commit(self, *arguments: object) -> str:
            sent.append(arguments)
            raise UnreachableError("no word of the extrinsic")

        async def hyperparameters(self, _netuid: int) -> dict[str, int]:
            return {}

    client, began = local.client, time.time()
    local.client = Slow(client, lambda _moment: None)
    committing_again = asyncio.create_task(local.publish(offer(model)))
    while not sent:
        await asyncio.sleep(0.005)
    committing_again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing_again
    resumed = asyncio.create_task(local.publish(offer(model)))
    await client.commit(*sent[0])
    done = await resumed
    assert len(sent) == 1
    assert local.commitments_sent() == 1
    assert done.model.block == local.chain.head()
    assert time.time() - began < 10


async def test_a_folder_that_changes_while_it_is_published_is_not_committed(
    local: Place, model: Path
) -> None:
    weights = (model / "model.safetensors").read_bytes()

    def strike(moment: str) -> None:
        if moment == "before publish":
            (model / "model.safetensors").write_bytes(weights[:-1] + b"?")

    hub = local.hub
    local.hub = Interrupted(hub, strike)
    with pytest.raises(CorruptModelError, match="changed meanwhile"):
        await local.publish(offer(model))
    local.hub = hub
    (model / "model.safetensors").write_bytes(weights)
    done = await local.publish(offer(model))
    assert done.model_hash == local_hash(model)
    assert local.commitments_sent() == 1


async def test_a_commit_too_large_for_validators_is_replaced_by_a_smaller_one(
    local: Place, model: Path
) -> None:
    wanted = offer(model)
    tight = replace(wanted.competition.constraints, max_bytes=41_000)
    wanted = replace(wanted, competition=replace(wanted.competition, constraints=tight))
    (model / "notes.json").write_text(" " * 1_000)
    with pytest.raises(RefusedModelError, match="more than the 41000 allowed"):
        await local.publish(wanted)
    assert local.commitments_sent() == 0
    (model / "notes.json").unlink()
    (model / "README.md").unlink(missing_ok=True)
    done = await local.publish(wanted)
    listed = local.hub.listing(done.model.commit)
    assert "notes.json" not in {each.path for each in listed.files}


async def test_the_card_says_where_the_model_comes_from(local: Place, model: Path) -> None:
    done = await local.publish(offer(model))
    card = next(
        each for each in local.hub.listing(done.model.commit).files if "README" in each.path
    )
    with local.hub.read(done.model.commit, card) as arriving:
        said = Card.parse(b"".join(arriving).decode())
    assert (said.competition, said.tokens, said.loss, said.licence) == ("nano", 10**6, 2.5, "mit")
    assert said.parent == f"bob/older@{'0' * 40}"
    assert [each.source for each in said.training_data] == ["python-docs"]


async def test_a_model_that_does_not_say_where_it_comes_from_keeps_its_own_card(
    local: Place, tmp_path: Path
) -> None:
    plain = write_run(tmp_path / "plain", facts={"format": "pt"})
    (plain / "README.md").write_text("# mine\n")
    done = await local.publish(offer(plain))
    listed = {each.path: each.size for each in local.hub.listing(done.model.commit).files}
    assert listed["README.md"] == len("# mine\n")


async def test_a_public_repository_with_something_else_is_closed_first(
    place: Place, model: Path, tmp_path: Path
) -> None:
    other = write_run(tmp_path / "other", seed=9)
    from iotapretrain.hub.model_files import ModelFolder

    place.hub.publish(ModelFolder.scan(other), REPOSITORY, "shown to everybody")
    place.hub.set_visibility(REPOSITORY, "public")
    seen: list[str] = []
    hub = place.hub
    place.hub = Interrupted(
        hub,
        lambda moment: seen.append(hub.visibility(REPOSITORY)) if "publish" in moment else None,
    )
    await place.publish(offer(model))
    assert seen == ["private", "private"]
    assert hub.visibility(REPOSITORY) == "public"


async def test_the_repository_of_a_model_that_stands_is_not_used_again(
    local: Place, model: Path, tmp_path: Path
) -> None:
    first = await local.publish(offer(model))
    with pytest.raises(InputError, match="name a new repository"):
        await local.publish(offer(write_run(tmp_path / "better", seed=2)))
    local.miner = OTHER
    with pytest.raises(InputError, match="name a new repository"):
        await local.publish(offer(write_run(tmp_path / "friend", seed=3)))
    assert local.hub.resolve(REPOSITORY) == first.model.commit
    assert local.hub.visibility(REPOSITORY) == "public"


async def test_a_model_whose_repository_was_deleted_is_published_anew(
    local: Place, model: Path
) -> None:
    first = await local.publish(offer(model))
    local.hub.delete(REPOSITORY)
    local.chain.advance(RATE_LIMIT)
    again = await local.publish(offer(model))
    assert not again.already
    assert again.model.block > first.model.block
    assert local.stranger.resolve(REPOSITORY) == again.model.commit


async def test_round_records_are_not_overwritten(local: Place, model: Path) -> None:
    local.hub.add({"rounds/000001.json": b"{}"}, REPOSITORY, "round 1")
    with pytest.raises(InputError, match="holds round records"):
        await local.publish(offer(model))
    await local.client.commit(keys(MINER), 1, b"rounds:alice/rounds")
    with pytest.raises(InputError, match="says where its round records are"):
        await local.publish(offer(model, ELSEWHERE))
