"""From scores to averages and weights: what counts, and who is spared."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.schedule import Blocks, Schedule
from tests.rules.competition.validator.games import CADENCE, TWO, Game, commitment, competition

THREE = {"a": (100, commitment("m")), "b": (101, commitment("n")), "c": (102, commitment("o"))}


def averages(game: Game, number: int = 0) -> dict[str, float]:
    return dict(game.state.standings.competitions.get(number, {}))


def test_a_round_becomes_weights() -> None:
    game = Game()
    decided = game.play(130, THREE, {"a": 3.0, "b": 2.0, "c": 2.5})
    assert decided is not None
    assert decided.champion == "b"
    assert game.state.weights == pytest.approx({"a": 0.0, "b": 1.0}, abs=1e-9)
    assert math.fsum(game.state.weights.values()) == pytest.approx(1)


def test_shares_are_merged_and_a_competition_without_result_gives_its_own_away() -> None:
    game = Game()
    game.play(130, THREE, {"a": 3.0, "b": 2.0, "c": 2.5})
    both = THREE | {"d": (100, commitment("p", 1))}
    view = game.see(140, both)
    game.look(view, models=1)
    game.open(view, 1)
    game.close({"d": 4.0})
    assert game.state.weights["d"] == pytest.approx(TWO.shares(140)[1])


def test_a_round_of_failures_leaves_the_averages_alone() -> None:
    """Defect 2: the original paid the earliest failure."""
    game = Game()
    game.play(130, THREE, {"a": 3.0, "b": 2.0, "c": 2.5})
    before = averages(game)
    stands = {"x": (110, commitment("x"))}
    view = game.see(140, stands | THREE)
    game.look(view)
    opened = game.open(view)
    assert opened is not None
    decided = game.close({entry.hotkey: Outcome.MODEL for entry in opened.field})
    assert decided is not None
    assert decided.champion is None
    assert averages(game) == before


def test_our_own_failure_at_an_established_model_does_not_count() -> None:
    """Defect 9: one failed evaluation halved the champion's weight."""
    game = Game()
    game.play(130, THREE, {"a": 3.0, "b": 2.0, "c": 2.5})
    before = averages(game)
    game.open(game.see(140, THREE))
    assert game.close({"a": 3.0, "b": Outcome.INFRASTRUCTURE, "c": 2.5}) is None
    assert averages(game) == before
    assert game.state.rounds == 1


def test_our_own_failure_at_a_newcomer_only_makes_him_wait() -> None:
    game = Game()
    game.play(130, {"a": THREE["a"]}, {"a": 3.0})
    view = game.see(140, THREE)
    game.look(view)
    game.open(view)
    decided = game.close({"a": 3.0, "b": Outcome.INFRASTRUCTURE, "c": 2.5})
    assert decided is not None
    assert decided.champion == "c"
    opened = game.open(game.see(150, THREE))
    assert opened is not None
    assert "b" in [entry.hotkey for entry in opened.field]


def test_a_newcomer_that_we_cannot_score_comes_ever_more_rarely() -> None:
    game = Game()
    game.play(130, {"a": THREE["a"]}, {"a": 3.0})
    stands = {"a": THREE["a"], "b": THREE["b"]}
    met = []
    for block in range(140, 520, CADENCE):
        view = game.see(block, stands)
        game.look(view)
        opened = game.open(view)
        assert opened is not None
        if "b" in [entry.hotkey for entry in opened.field]:
            met.append(block)
        game.close({"a": 3.0, "b": Outcome.INFRASTRUCTURE})
    rests = [(later - earlier) // CADENCE for earlier, later in pairwise(met)]
    assert rests == [1, 2, 4, 8, 16]


def test_nothing_scored_is_no_round() -> None:
    """Defect 5: with all datasets down the original paid the earliest model."""
    game = Game()
    view = game.see(130, THREE)
    game.look(view)
    game.open(view)
    assert game.close(dict.fromkeys(THREE, Outcome.INFRASTRUCTURE)) is None
    assert game.state.weights == {}


def test_a_champion_that_fails_once_meets_again_and_twice_is_out() -> None:
    game = Game()
    game.play(130, THREE, {"a": 3.0, "b": 2.0, "c": 2.5})
    fields = []
    for block in (140, 150, 160):
        opened = game.open(game.see(block, THREE))
        assert opened is not None
        fields.append("b" in [entry.hotkey for entry in opened.field])
        game.close({"a": 3.0, "b": Outcome.MODEL, "c": 2.5})
    assert fields == [True, True, False]


def test_averages_belong_to_hotkeys_not_uids() -> None:
    """Defect 8: a newcomer on a recycled uid inherited the old weight."""
    game = Game()
    game.play(130, {"old": (100, commitment("m"))}, {"old": 2.0})
    game.play(140, {"new": (110, commitment("n"))}, {"new": 2.5})
    assert "old" not in averages(game)
    assert averages(game)["new"] == 0.5
    assert game.state.weights == {"new": 1.0}


def test_a_competition_that_ended_is_forgotten() -> None:
    ending = Schedule(
        (
            competition(0, 0.6, blocks=Blocks(0, 140)),
            competition(1, 0.4, blocks=Blocks(0, 140)),
            competition(1, 1.0, blocks=Blocks(140)),
        ),
        sync_cadence=CADENCE,
    )
    game = Game(ending)
    stands = {"a": THREE["a"], "d": (100, commitment("p", 1))}
    game.play(130, stands, {"a": 3.0})
    assert game.state.weights == {"a": 1.0}
    game.schedule = ending
    view = game.see(140, stands)
    game.look(view, models=1)
    (last,) = ending.running(140)
    opened = game.open(view, last.id)
    assert opened is not None
    game.schedule = Schedule((last,), sync_cadence=CADENCE)
    game.close({"d": 4.0})
    assert game.state.weights == {"d": 1.0}


def test_the_crown_changes_at_the_sync_block_at_which_epsilon_has_decayed_enough() -> None:
    from iotapretrain.rules.competition.epsilon import LinearDecay
    from iotapretrain.rules.competition.tournament import RoundRules

    decaying = RoundRules(LinearDecay(0.01, 0.0, 100))
    base = competition(0, 1.0)
    schedule = Schedule((type(base)(**{**vars(base), "rules": decaying}),), sync_cadence=CADENCE)
    game = Game(schedule)
    stands = {"a": (100, commitment("m")), "b": (101, commitment("n"))}
    champions = {}
    for block in range(130, 200, CADENCE):
        decided = game.play(block, stands, {"a": 2.0, "b": 2.0 * (1 - 0.005)})
        assert decided is not None
        champions[block] = decided.champion
    # the gain is .5 %; epsilon of a falls below it when a is more than 50 blocks old
    assert champions == {b: "b" if b > 150 else "a" for b in range(130, 200, CADENCE)}
