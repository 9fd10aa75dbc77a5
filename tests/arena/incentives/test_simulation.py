"""Worlds in play: the same by seed, pay that adds up, and nothing out of nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.arena.incentives.simulation import FIRST_LOSS, simulate
from iotapretrain.arena.incentives.strategies import (
    Copier,
    Ladder,
    ModelCommit,
    PrivateView,
    PublicView,
    Spoilers,
    eager,
    hoarder,
    squatter,
    steady,
)
from iotapretrain.arena.incentives.world import Miner, SimulatedWorld
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.tournament import MODES, RoundRules
from tests.arena.incentives.worlds import HONEST, STEADY, beside, played, same

HOTKEYS = 4
strategies = st.sampled_from(
    [steady, hoarder, eager, squatter, Copier(), Copier(1e-4), Spoilers(3), Ladder(3)]
)
crowds = st.lists(
    st.builds(Miner, strategies, st.floats(0, 2), st.just(HOTKEYS)), min_size=1, max_size=5
).map(tuple)


@st.composite
def worlds(draw: st.DrawFn) -> SimulatedWorld:
    mode, epsilon = draw(st.sampled_from([*MODES])), draw(st.sampled_from([0.0, 0.005]))
    validators = draw(st.integers(0, 3))
    return SimulatedWorld(
        draw(crowds),
        RoundRules(Fixed(epsilon), MODES[mode]),
        alpha=draw(st.sampled_from([0.0, 0.5, 0.9])),
        validators=(HONEST,) * validators,
        own_pages=validators > 0 and draw(st.booleans()),
        pages=draw(st.integers(1, 4)),
        remembering=draw(st.booleans()),
        referee=draw(st.booleans()),
    )


@settings(max_examples=25)
@given(worlds(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_history(world: SimulatedWorld, seed: int) -> None:
    assert same(played(world, 8, seed), played(world, 8, seed))


@settings(max_examples=25)
@given(worlds())
def test_pay_is_a_share(world: SimulatedWorld) -> None:
    """All of it is handed out, or none where nobody has a model, or a majority's support."""
    history = played(world, 12)
    sums = history.pay.sum(axis=1)
    assert (history.pay >= 0).all()
    assert np.all(np.isclose(sums, 1, atol=1e-9) | (sums == 0))
    if any(miner.skill for miner in world.miners) and not world.own_pages:
        improvers = any(not isinstance(miner.strategy, Copier) for miner in world.miners)
        assert (sums > 0).any() == improvers


@settings(max_examples=25)
@given(worlds())
def test_nothing_comes_from_nothing(world: SimulatedWorld) -> None:
    """No public model is better than what was trained, and training never makes one worse."""
    history = played(world, 12)
    assert (history.public >= history.trained).all()
    assert (np.diff(history.trained) <= 0).all()
    assert history.trained[0] <= FIRST_LOSS
    known = history.winner >= 0
    assert (history.winner_loss[known] >= history.public[known]).all()


def test_another_seed_is_another_history() -> None:
    world = SimulatedWorld((STEADY,) * 6)
    assert not same(played(world, 60, 1), played(world, 60, 2))
    assert not same(played(world, 60, 1), played(replace(world, replicate=1), 60, 1))


def test_a_longer_history_begins_like_a_shorter_one() -> None:
    world = SimulatedWorld((STEADY,) * 6)
    short, long = played(world, 30), played(world, 60)
    assert np.array_equal(long.pay[:30], short.pay)


def test_the_ticks_add_up() -> None:
    heard: list[int] = []
    simulate(SimulatedWorld((STEADY,)), 250, 1, heard.append)
    assert sum(heard) == 250


def test_skill_pays() -> None:
    world = SimulatedWorld((STEADY,) * 5 + (Miner(steady, 3.0),))
    assert played(world, 300).earned([5]) > 0.5


def test_an_exact_copier_is_never_paid_beside_its_original() -> None:
    """The original's owner is alone and so never needs to commit anew."""
    world = SimulatedWorld((Miner(hoarder), Miner(Copier(), 0)), page_noise=0.02)
    assert played(world, 200).earned([1]) == 0


def test_a_copy_outlives_its_original_unless_validators_remember() -> None:
    forgetting = SimulatedWorld((Miner(eager), Miner(Copier(), 0)), page_noise=0.02)
    assert played(forgetting, 200).earned([1]) > 0.1
    assert played(replace(forgetting, remembering=True), 200).earned([1]) == 0


@dataclass(frozen=True)
class Saying:
    """Commits whatever it was told, in every round."""

    commit: ModelCommit

    def __call__(
        self, view: PublicView, hand: PrivateView, rng: np.random.Generator
    ) -> tuple[ModelCommit, ...]:
        return (self.commit,)


def test_nobody_copies_from_an_empty_hotkey() -> None:
    with pytest.raises(InputError, match="hotkey 1 has nothing"):
        played(SimulatedWorld((Miner(Saying(ModelCommit(0, of=1))), STEADY)), 1)


def test_nobody_commits_on_the_hotkey_of_another() -> None:
    with pytest.raises(InputError, match="hotkey 1 is not miner 0's"):
        played(SimulatedWorld((Miner(Saying(ModelCommit(1))), STEADY)), 1)


@pytest.mark.parametrize("strategy", [Spoilers(4, 0.0), Spoilers(4, 0.001)], ids=["same", "worse"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spoilers_earn_nothing_more_behind_the_strict_filter(strategy: Spoilers, seed: int) -> None:
    alone = played(beside(steady, hotkeys=HOTKEYS, skill=1.5), 200, seed)
    helped = played(beside(strategy, hotkeys=HOTKEYS, skill=1.5), 200, seed)
    owned = range(5, 5 + HOTKEYS)
    assert helped.earned(owned) <= alone.earned(owned) + 1e-12
    assert np.array_equal(helped.winner, alone.winner)


def test_without_a_filter_spoilers_do_earn_more() -> None:
    rules = RoundRules(Fixed(0.005), MODES["whitepaper"])
    alone, helped = (
        played(replace(beside(strategy, 20, 1.5, 10), rules=rules), 200)
        for strategy in (steady, Spoilers(10, 0.0))
    )
    assert helped.earned(range(20, 30)) > alone.earned(range(20, 30)) + 0.02


def test_without_noise_the_deserving_win() -> None:
    world = SimulatedWorld((STEADY,) * 6, page_noise=0.0, referee=True)
    assert played(world, 100).undeserved() == 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"miners": ()}, "no miners"),
        ({"progress": 0.2}, "progress"),
        ({"pages": 0}, "page"),
        ({"page_noise": -1.0}, "noise"),
        ({"own_pages": True}, "no validators"),
    ],
    ids=["miners", "progress", "pages", "noise", "own-pages"],
)
def test_an_impossible_world_is_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        replace(SimulatedWorld((STEADY,)), **change)  # type: ignore[arg-type]  # any of its settings


def test_no_rounds_are_refused() -> None:
    with pytest.raises(InputError, match="0 rounds"):
        simulate(SimulatedWorld((STEADY,)), 0, 1)


@pytest.mark.parametrize("arguments", [{"skill": -1.0}, {"hotkeys": 0}], ids=["skill", "hotkeys"])
def test_an_impossible_miner_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        Miner(steady, **arguments)  # type: ignore[arg-type]  # any of its arguments
