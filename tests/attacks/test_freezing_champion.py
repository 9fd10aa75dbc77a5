"""A champion that gets workers killed: it waits, its competition goes on, and its crown is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from iotapretrain.competition.audit.standing_checks import check_standings
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.rules.competition.attempts import Outcome
from tests.chain.worlds import hotkey
from tests.competition.validator.rig import Oracle, Rig
from tests.competition.world import opened
from tests.e2e.test_liar import ONE
from tests.rules.competition.validator.games import CADENCE, Game, commitment

STANDS = {"king": (100, commitment("m")), "honest": (101, commitment("n"))}
DIES = {"king": Outcome.INFRASTRUCTURE, "honest": 2.5}


def crowned() -> Game:
    game = Game()
    game.play(130, STANDS, {"king": 2.0, "honest": 2.5})
    return game


def tries(game: Game, block: int) -> int:
    """How many tries the round of a sync block took."""
    view = game.see(block, STANDS)
    game.look(view)
    for count in range(1, 10):
        if 0 not in game.turns(view) or game.open(view) is None:
            break
        if game.close(DIES) is not None:
            return count
    raise AssertionError("the competition stands still")


def test_every_sync_block_has_its_round_and_the_crown_is_lost() -> None:
    game = crowned()
    taken = [tries(game, block) for block in range(140, 240, CADENCE)]
    assert taken == [3] + [1] * 9
    assert game.state.weights["honest"] > 0.99
    assert game.state.rounds == 11


def test_it_is_alone_after_its_first_failure_and_forgiven_once_it_is_scored() -> None:
    game = crowned()
    view = game.see(140, STANDS)
    alone = []
    for scores in (DIES, {"king": 2.0, "honest": 2.5}):
        opened_ = game.open(view)
        assert opened_ is not None
        alone.append([entry.hotkey for entry in opened_.field if entry.alone])
        game.close(scores)
    assert alone == [[], ["king"]]
    assert game.state.missed == {}
    assert game.state.weights["king"] == 1.0


def test_a_model_that_was_gone_without_is_tried_again_ever_more_rarely() -> None:
    game = crowned()
    met = []
    for block in range(140, 500, CADENCE):
        view = game.see(block, STANDS)
        while 0 in game.turns(view) and (field := game.open(view)) is not None:
            if "king" in [entry.hotkey for entry in field.field] and block not in met:
                met.append(block)
            game.close(DIES)
    assert [(b - a) // CADENCE for a, b in pairwise(met)] == [1, 2, 4, 8, 16]


def test_an_average_that_no_weight_can_show_has_no_veto() -> None:
    game = Game()
    stands = {"king": STANDS["honest"], "honest": STANDS["king"]}
    game.play(130, stands, {"king": 2.0, "honest": 2.5})
    block = 140
    while game.state.standings.competitions[0]["king"] > 1 / 65_535:
        game.play(block, stands, {"king": 2.5, "honest": 2.0})
        block += CADENCE
    assert game.play(block, stands, DIES) is not None


async def test_the_validator_goes_on_without_it_and_an_audit_holds(tmp_path: Path) -> None:
    with Worker(Budget()) as worker:
        await goes_on(tmp_path, worker)


async def goes_on(tmp_path: Path, worker: Worker) -> None:
    async with opened(tmp_path, worker, ONE) as world:
        await world.commit("miner-1", world.model(1.0, seed=1))
        await world.commit("miner-2", world.model(1.0, seed=2))
        king = hotkey("miner-1")
        oracle = Oracle({king: 2.0})
        rig = Rig(world, oracle=oracle)
        await world.to_block(30)
        assert await rig.run() == 1
        oracle.losses[king] = Outcome.INFRASTRUCTURE
        await world.to_block(40)
        assert await rig.run() == 2
        first, second = rig.records()
        assert (first.champion, second.champion) == (king, hotkey("miner-2"))
        assert second.weights[king] == 0.5
        (running,) = world.schedule.running(second.block)
        check = check_standings(second, first, running, world.schedule, {king, hotkey("miner-2")})
        assert not check.differences
