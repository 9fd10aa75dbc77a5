"""Which models are fetched and inspected, and whose they turn out to be."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest

from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.inspection_queue import (
    MOST_LOOKS,
    admitted,
    due,
    refusals,
)
from iotapretrain.rules.competition.validator.subnet_view import View
from tests.rules.competition.validator.games import CADENCE, DELAY, TWO, Game, commitment, found


def hotkeys(game: Game, view: View, models: int = 0) -> list[str]:
    return [each.hotkey for each in due(game.state, view, game.schedule, models)]


def codes(game: Game, view: View) -> dict[str, str]:
    return {each.hotkey: each.reasons[0].code for each in refusals(game.state, view.candidates)}


def test_a_commitment_is_looked_at_once_its_delay_is_over() -> None:
    game, stands = Game(), {"a": (100, commitment("m"))}
    assert hotkeys(game, game.see(100 + DELAY - CADENCE, stands)) == []
    assert hotkeys(game, game.see(100 + DELAY, stands)) == ["a"]
    assert hotkeys(game, game.see(100 + DELAY, stands), models=1) == []


def test_one_look_is_enough_until_a_new_commitment() -> None:
    game, stands = Game(), {"a": (100, commitment("m"))}
    game.look(game.see(120, stands))
    assert hotkeys(game, game.see(130, stands)) == []
    assert hotkeys(game, game.see(150, {"a": (125, commitment("better"))})) == ["a"]


def test_the_same_text_dated_anew_is_a_new_commitment() -> None:
    game = Game()
    game.look(game.see(120, {"a": (100, commitment("m"))}))
    assert hotkeys(game, game.see(150, {"a": (125, commitment("m"))})) == ["a"]


@pytest.mark.parametrize("outcome", [Outcome.BAD_HASH, Outcome.INADMISSIBLE])
def test_what_the_bytes_decide_is_final(outcome: Outcome) -> None:
    """Defect 23: the original downloaded a bad model again on every pass."""
    game, stands = Game(), {"a": (100, commitment("m"))}
    game.look(game.see(120, stands), {"a": outcome})
    assert not any(hotkeys(game, game.see(block, stands)) for block in range(130, 2000, CADENCE))


def test_a_model_has_two_failures_of_its_own() -> None:
    game, stands = Game(), {"a": (100, commitment("m"))}
    looked = 0
    for block in range(120, 2000, CADENCE):
        looked += len(game.look(game.see(block, stands), {"a": Outcome.MODEL}))
    assert looked == 2


def test_a_hub_that_is_down_is_asked_again_and_ever_more_rarely() -> None:
    game, stands = Game(), {"a": (100, commitment("m"))}
    asked = [
        block
        for block in range(120, 1000, CADENCE)
        if game.look(game.see(block, stands), {"a": Outcome.INFRASTRUCTURE})
    ]
    rests = [(later - earlier) // CADENCE for earlier, later in pairwise(asked)]
    assert rests == [1, 2, 4, 8, 16, 16, 16, 16]
    assert game.look(game.see(1200, stands)) == ["a"]
    assert admitted(game.state, game.see(1200, stands).candidates[0])


def test_a_flood_waits_behind_its_elders() -> None:
    game = Game()
    flood = {f"new-{number}": (101, commitment(f"n{number}")) for number in range(60)}
    stands = flood | {"elder": (100, commitment("m"))}
    seen: list[str] = []
    for block in range(130, 160, CADENCE):
        seen += game.look(game.see(block, stands))
    assert seen[0] == "elder"
    assert len(seen) == len(set(seen)) == 61
    assert len(hotkeys(Game(), Game().see(130, stands))) == MOST_LOOKS


@pytest.mark.parametrize("order", list(permutations(["first", "second", "third"])))
def test_the_earliest_commitment_owns_a_content_whoever_is_read_first(order: list[str]) -> None:
    game = Game()
    blocks = {"first": 100, "second": 101, "third": 102}
    stands = {name: (blocks[name], commitment(name)) for name in blocks}
    view = game.see(130, stands)
    candidates = {each.hotkey: each for each in view.candidates}
    for hotkey in order:
        game.do(found(candidates[hotkey], 130, content="the bytes"))
    assert codes(game, view) == {"second": "copy", "third": "copy"}


def test_a_near_copy_is_refused_in_either_order() -> None:
    for order in permutations(["original", "noisy"]):
        game = Game()
        view = game.see(130, {"original": (100, commitment("m")), "noisy": (105, commitment("n"))})
        candidates = {each.hotkey: each for each in view.candidates}
        game.do(found(candidates[order[0]], 130))
        other = candidates[order[0]].commitment.name
        game.do(found(candidates[order[1]], 130, alike=[other]))
        assert codes(game, view) == {"noisy": "near-copy"}


def test_the_content_of_somebody_who_left_is_nobodys_to_take() -> None:
    """Section 17: a copy of a deregistered winner was new to the original."""
    game = Game()
    game.look(game.see(120, {"winner": (100, commitment("m"))}))
    game.see(130, {})
    assert "winner" not in game.state.history.commitments
    view = game.see(160, {"thief": (140, commitment("m"))})
    game.look(view)
    assert codes(game, view) == {"thief": "copy"}


def test_an_owner_may_commit_to_his_own_content_again() -> None:
    game = Game()
    game.look(game.see(120, {"a": (100, commitment("m"))}))
    view = game.see(160, {"a": (140, commitment("m"))})
    game.look(view)
    assert codes(game, view) == {}
    assert admitted(game.state, view.candidates[0])


def test_what_is_no_commitment_of_a_model_is_nobody() -> None:
    view = View.of(
        100,
        "00",
        {"validator": 0, "miner": 1, "early": 2},
        {
            "validator": (1, "rounds:validator/rounds"),
            "miner": (1, commitment("m").text),
            "gone": (1, commitment("g").text),
            "early": (101, commitment("e").text),
        },
    )
    assert [each.hotkey for each in view.candidates] == ["miner"]
    assert TWO.accepting(0, 1) is not None
