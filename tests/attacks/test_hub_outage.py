"""Whoever can make the hub silent must not cost a champion its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from iotapretrain.competition.validator.inspect_models import commit_of
from iotapretrain.errors import UnavailableHubError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import Commit, FileEntry, Listing
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.validator.journal_records import RoundGivenUp
from iotapretrain.rules.competition.validator.state import Tally
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import World, opened
from tests.e2e.test_liar import ONE
from tests.rules.competition.validator.games import Game, commitment

KING, HONEST = "miner-1", "miner-2"


class SilentHub(FolderHub):
    """A hub that does not answer for some commits, or lists them and then gives no bytes."""

    def __init__(self, world: World) -> None:
        super().__init__(world.folder / "hub", "validator-1")
        self.silent_for: Callable[[Commit], bool] = lambda _commit: False
        self.lists = False

    def listing(self, commit: Commit) -> Listing:
        if self.silent_for(commit) and not self.lists:
            raise UnavailableHubError("the hub is away")
        return super().listing(commit)

    def read(
        self, commit: Commit, file: FileEntry, start: int = 0
    ) -> AbstractContextManager[Iterator[bytes]]:
        if self.silent_for(commit):
            raise UnavailableHubError("the hub gives no bytes")
        return super().read(commit, file, start)


async def crowned(world: World, hub: SilentHub) -> Rig:
    """A round that the king won; then its bytes are no longer here."""
    king = commit_of(await world.commit(KING, world.model(1.0, seed=1)))
    await world.commit(HONEST, world.model(1.0, seed=2))
    rig = Rig(world, hub=hub, oracle=Oracle({hotkey(KING): 2.0}))
    await world.to_block(30)
    assert await rig.run() == 1
    world.models.root.joinpath("models", KING).rename(world.folder / "evicted")
    for entry in hub.listing(king).files:
        world.models.blob(entry).unlink(missing_ok=True)
    return rig


def away(commit: Commit) -> bool:
    return "rounds" not in commit.repository.name


@pytest.mark.parametrize("lists", [False, True], ids=["silent", "lists-without-bytes"])
async def test_while_the_hub_is_away_the_round_waits_and_nobody_missed_it(
    tmp_path: Path, worker: Worker, lists: bool
) -> None:
    async with opened(tmp_path, worker, ONE) as world:
        hub = SilentHub(world)
        hub.lists = lists
        rig = await crowned(world, hub)
        hub.silent_for = away
        for block in (40, 45, 50, 55, 60):
            await world.to_block(block)
            assert await rig.run() == 1
        state = await rig.state()
        assert (state.missed, state.tries) == ({}, {})
        assert state.weights == {hotkey(KING): 1.0}
        assert set(rig.ears.waits()) == {"the hub, for competition 0"}
        hub.silent_for = lambda _commit: False
        assert await rig.run() == 2  # of the sync block at which the hub came back
        first, second = rig.records()
        assert (second.sync_block, second.champion) == (60, hotkey(KING))
        assert second.weights == first.weights


async def test_a_hub_that_is_silent_for_one_model_alone_holds_nothing_up(
    tmp_path: Path, worker: Worker
) -> None:
    """Or an owner of bytes that never come would freeze a competition."""
    async with opened(tmp_path, worker, ONE) as world:
        hub = SilentHub(world)
        rig = await crowned(world, hub)
        hub.silent_for = lambda commit: commit.repository.namespace == KING
        await world.to_block(40)
        assert await rig.run() == 2
        assert rig.records()[-1].champion == hotkey(HONEST)
        assert (await rig.state()).missed[hotkey(KING)] == Tally(40, 3)


async def test_a_competition_whose_models_are_here_goes_on_meanwhile(
    tmp_path: Path, worker: Worker
) -> None:
    async with opened(tmp_path, worker) as world:
        hub = SilentHub(world)
        await world.commit(KING, world.model(1.0, seed=1))
        rig = Rig(world, hub=hub)
        await world.to_block(30)
        assert await rig.run() == 2
        hub.silent_for = away
        await world.to_block(40)
        assert await rig.run() == 4


def test_a_round_that_was_held_is_no_try() -> None:
    game = Game()
    stands = {"king": (100, commitment("m")), "honest": (101, commitment("n"))}
    game.play(130, stands, {"king": 2.0, "honest": 2.5})
    view = game.see(140, stands)
    for _ in range(10):
        held = game.open(view)
        assert held is not None
        game.do(RoundGivenUp(held.round, "the hub is away", held=True))
    assert (game.state.tries, game.state.missed) == ({}, {})
    assert 0 in game.turns(view)
