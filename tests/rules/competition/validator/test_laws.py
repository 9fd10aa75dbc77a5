"""What holds whatever happens: replay, repetition, no round twice, nobody starving."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.apply import apply
from iotapretrain.rules.competition.validator.decide import decide
from iotapretrain.rules.competition.validator.journal_records import (
    Begun,
    Committed,
    Left,
    RoundClosed,
    RoundOpened,
)
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.weights_due import chain_weights, weights_due
from tests.rules.competition.validator.games import CADENCE, Game, commitment

HOTKEYS = ["a", "b", "c", "d"]
Scores = Mapping[str, float | Outcome]

stands = st.dictionaries(
    st.sampled_from(HOTKEYS),
    st.tuples(st.integers(0, 6), st.sampled_from(["m", "n", "o"]), st.integers(0, 1)),
    max_size=4,
)
ends = st.one_of(
    st.sampled_from([2.0, 2.01, 2.5, 3.0]),
    st.sampled_from([Outcome.MODEL, Outcome.INFRASTRUCTURE, Outcome.INADMISSIBLE]),
)
histories = st.lists(
    st.tuples(
        stands,
        st.fixed_dictionaries(dict.fromkeys(HOTKEYS, ends)),
        st.fixed_dictionaries({hotkey: st.sampled_from([*Outcome]) for hotkey in HOTKEYS}),
    ),
    max_size=8,
)


def run(history: list[tuple[dict[str, tuple[int, str, int]], Scores, dict[str, Outcome]]]) -> Game:
    """Let sync blocks pass: at each, everybody stands anew, and every competition has its turn."""
    game = Game()
    for step, (here, scores, looks) in enumerate(history):
        block = 100 + step * CADENCE
        view = game.see(
            block,
            {
                hotkey: (max(block - age * CADENCE, 0), commitment(f"{name}", number))
                for hotkey, (age, name, number) in here.items()
            },
        )
        for _ in range(8):
            for number in game.turns(view):
                game.look(view, looks, models=number)
                if game.open(view, number) is not None:
                    game.close(scores)
                    break
    return game


@settings(max_examples=40)
@given(histories)
def test_the_state_is_what_follows_from_the_records(history: list) -> None:  # type: ignore[type-arg]
    game = run(history)
    assert reduce(apply, game.journal, State()) == game.state


@settings(max_examples=40)
@given(histories)
def test_a_command_that_is_repeated_changes_nothing(history: list) -> None:  # type: ignore[type-arg]
    state = State()
    for record in run(history).journal:
        if not isinstance(record, Begun | Committed | Left):
            assert decide(state, record) == [record]
        state = apply(state, record)
        if not isinstance(record, Begun | Committed | Left):
            assert decide(state, record) == []


@settings(max_examples=40)
@given(histories)
def test_no_round_counts_twice_and_none_is_left_out(history: list) -> None:  # type: ignore[type-arg]
    game = run(history)
    closed = [record.round for record in game.journal if isinstance(record, RoundClosed)]
    assert closed == list(range(1, game.state.rounds + 1))
    opened = [record for record in game.journal if isinstance(record, RoundOpened)]
    places = {(each.competition, each.block): each.round for each in opened}
    counted = [places[key] for key in places if places[key] in closed]
    assert len(counted) >= len(set(closed)) == len(closed)


@settings(max_examples=40)
@given(histories)
def test_weights_are_a_distribution_over_those_who_took_part(history: list) -> None:  # type: ignore[type-arg]
    game = run(history)
    row = chain_weights(game.state.weights, {hotkey: uid for uid, hotkey in enumerate(HOTKEYS)})
    assert all(weight > 0 for weight in row.values())
    assert not row or abs(sum(row.values()) - 1) < 1e-12


@settings(max_examples=40)
@given(histories)
def test_who_owns_a_content_never_gets_later(history: list) -> None:  # type: ignore[type-arg]
    state = State()
    for record in run(history).journal:
        before, state = state, apply(state, record)
        assert all(state.origins[digest] <= owner for digest, owner in before.origins.items())


@given(
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(0, 50),
    st.integers(1, 500),
)
def test_weights_never_come_too_soon(
    block: int, updated: int, registered: int, limit: int, every: int
) -> None:
    due = weights_due(updated, registered, limit, block, every)
    assert not due or block - updated >= limit
    if updated > registered:
        assert not due or block - updated >= every


def test_only_who_is_registered_now_is_paid() -> None:
    assert chain_weights({"a": 0.5, "gone": 0.5, "b": 0.0}, {"a": 3, "b": 4}) == {3: 1.0}
    assert chain_weights({"gone": 1.0}, {"a": 3}) == {}
