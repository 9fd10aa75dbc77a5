"""Whose turn it is, and who meets."""

from __future__ import annotations

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.schedule import Blocks, Schedule
from iotapretrain.rules.competition.validator.journal_records import RoundGivenUp
from iotapretrain.rules.competition.validator.misses import MOST_TRIES
from iotapretrain.rules.competition.validator.round_queue import MOST_COMING
from tests.rules.competition.validator.games import CADENCE, Game, commitment, competition

BOTH = {"a": (100, commitment("m")), "b": (100, commitment("n", 1))}


def looked(game: Game, block: int, stands: dict = BOTH):  # type: ignore[no-untyped-def, type-arg]
    view = game.see(block, stands)
    for models in (0, 1):
        game.look(view, models=models)
    return view


def test_competitions_take_turns_one_round_a_sync_block() -> None:
    game, order = Game(), []
    for block in range(120, 160, CADENCE):
        view = looked(game, block)
        while waiting := game.turns(view):
            order.append((block, waiting[0]))
            game.open(view, waiting[0])
            game.close({"a": 2.0, "b": 3.0})
    assert order == [(block, number) for block in range(120, 160, CADENCE) for number in (0, 1)]


def test_a_round_that_fails_here_does_not_starve_the_others() -> None:
    """Defect 21: the original retried the same competition for ever."""
    game, order = Game(), []
    view = looked(game, 120)
    while waiting := game.turns(view):
        order.append(waiting[0])
        game.open(view, waiting[0])
        if waiting[0] == 0:
            game.do(RoundGivenUp(game.state.rounds + 1, "the dataset is down"))
        else:
            game.close({"b": 3.0})
    assert order == [0, 1] + [0] * (MOST_TRIES - 1)
    assert game.turns(looked(game, 130)) == [1, 0]


def test_a_round_is_numbered_when_it_counts() -> None:
    game = Game()
    view = looked(game, 120)
    game.open(view, 0)
    game.do(RoundGivenUp(1, "the hub is down"))
    game.open(view, 1)
    game.close({"b": 3.0})
    assert game.state.rounds == 1
    assert game.state.previous == "digest of round 1"


def test_competitions_start_and_end_by_block() -> None:
    later = Schedule(
        (
            competition(0, 1.0, blocks=Blocks(0, 130)),
            competition(0, 0.5, blocks=Blocks(130)),
            competition(1, 0.5, blocks=Blocks(130)),
        ),
        sync_cadence=CADENCE,
    )
    game = Game(later)
    assert game.turns(game.see(120, BOTH)) == [0]
    assert game.turns(game.see(130, BOTH)) == [0, 1]
    view = game.see(130, BOTH)
    assert game.look(view, models=1) == []  # it was not scheduled when b committed


def test_a_field_without_models_is_no_round() -> None:
    game = Game()
    assert game.open(game.see(120, {}), 0) is None
    view = game.see(120, BOTH)
    game.look(view, {"a": Outcome.INADMISSIBLE})
    assert game.open(view, 0) is None


def test_the_best_meet_again_and_the_others_wait_for_a_chance() -> None:
    game = Game()
    stands = {f"m{n}": (100 + n, commitment(f"model-{n}")) for n in range(9)}
    scores = {f"m{n}": 3.0 - n / 10 for n in range(9)}
    game.play(120 + CADENCE, stands, scores)
    view = game.see(120 + 2 * CADENCE, stands)
    opened = game.open(view)
    assert opened is not None
    assert [entry.hotkey for entry in opened.field] == [f"m{n}" for n in range(4, 9)]


def test_who_others_pay_is_evaluated_again_after_a_rest() -> None:
    game = Game()
    stands = {f"m{n}": (100 + n, commitment(f"model-{n}")) for n in range(9)}
    game.play(130, stands, {f"m{n}": 3.0 - n / 10 for n in range(9)})
    fields = []
    for block in (140, 150):
        opened = game.open(game.see(block, stands, rewarded=frozenset({"m0"})))
        assert opened is not None
        fields.append([entry.hotkey for entry in opened.field])
        game.do(RoundGivenUp(opened.round, "only a look"))
    assert ["m0" in field for field in fields] == [False, True]


def test_a_field_is_bounded_and_the_earliest_go_first() -> None:
    game = Game()
    stands = {f"m{n}": (100, commitment(f"model-{n}")) for n in range(40)}
    stands |= {"elder": (99, commitment("elder"))}
    for block in (130, 140):
        view = game.see(block, stands)
        game.look(view)
    opened = game.open(view)
    assert opened is not None
    assert len(opened.field) == MOST_COMING
    assert "elder" in [entry.hotkey for entry in opened.field]


def test_a_round_is_opened_once_and_nothing_is_seen_meanwhile() -> None:
    game = Game()
    view = looked(game, 120)
    opened = game.open(view, 0)
    assert opened is not None
    assert game.do(opened) == []
    with pytest.raises(InputError, match="round 1 is open"):
        game.see(130, BOTH)
    with pytest.raises(InputError, match="round 1 is open"):
        game.open(view, 1)
    game.close({"a": 2.0})
    with pytest.raises(InputError, match="had its round of block 120"):
        game.do(opened.__class__(**{**vars(opened), "round": 2}))


def test_who_was_found_out_is_not_paid_back_into_the_field() -> None:
    game = Game()
    stands = {"a": (100, commitment("m")), "b": (101, commitment("n"))}
    game.play(130, stands, {"a": 3.0, "b": 2.0})
    game.play(140, stands, {"a": 3.0, "b": Outcome.INADMISSIBLE})
    for block in (150, 160, 170):
        opened = game.open(game.see(block, stands, rewarded=frozenset({"b"})))
        assert opened is not None
        assert [entry.hotkey for entry in opened.field] == ["a"]
        game.close({"a": 3.0})
