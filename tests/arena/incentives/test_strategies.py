"""What each strategy does in a situation made for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iotapretrain.arena.incentives.strategies import (
    Copier,
    Ladder,
    ModelCommit,
    PublicView,
    Spoilers,
    Strategy,
    absent,
    eager,
    hoarder,
    squatter,
    steady,
)
from iotapretrain.errors import InputError
from tests.arena.incentives.worlds import hand, view

RNG = np.random.default_rng(1)
MINE, THEIRS = (2.5, 2.49), (2.6, 2.59)


def keys(strategy: Strategy, seen: PublicView, trained: float, *hotkeys: int) -> list[int]:
    """On which hotkeys a strategy publishes."""
    return [commit.hotkey for commit in strategy(seen, hand(trained, *hotkeys), RNG)]


def test_steady_waits_until_it_beats_everything_its_own_model_included() -> None:
    assert keys(steady, view(MINE, THEIRS), 2.489) == [0]
    assert keys(steady, view(MINE, THEIRS), 2.49) == []
    assert keys(steady, view((math.inf, math.inf)), 3.0) == [0]


def test_the_hoarder_keeps_back_while_it_is_champion() -> None:
    assert keys(hoarder, view(MINE, THEIRS, champion=0), 2.0) == []
    assert keys(hoarder, view(MINE, THEIRS, champion=1), 2.589) == [0]
    assert keys(hoarder, view(MINE, THEIRS, champion=1), 2.59) == []


def test_the_eager_publishes_whatever_is_better() -> None:
    assert keys(eager, view(MINE, THEIRS), 2.4999) == [0]
    assert keys(eager, view(MINE, THEIRS), 2.5) == []


def test_the_squatter_sits_while_nobody_beats_it() -> None:
    assert keys(squatter, view(MINE, (2.4901, 2.48)), 2.0) == []
    assert keys(squatter, view(MINE, (2.49, 2.48)), 2.4899) == [0]


def test_a_copier_copies_each_champion_once() -> None:
    seen = view(THEIRS, MINE, champion=1)
    assert Copier()(seen, hand(9.0, 0), RNG) == (ModelCommit(0, of=1),)
    (noisy,) = Copier(1e-4)(seen, hand(9.0, 0), RNG)
    assert noisy.of == 1
    assert noisy.damage > 0
    copied = PublicView(seen.losses, seen.bars, seen.ranking, (1, 1), (1, 1), 1)
    assert keys(Copier(), copied, 9.0, 0) == []
    assert keys(Copier(), seen, 9.0, 1) == []
    assert keys(Copier(), view(THEIRS, champion=None), 9.0, 0) == []


def test_spoilers_are_worse_and_later() -> None:
    commits = Spoilers(3, 0.01)(view(*[THEIRS] * 5), hand(2.0, 0, 1, 2, 3), RNG)
    assert commits == (ModelCommit(0), ModelCommit(1, damage=0.01), ModelCommit(2, damage=0.02))


def test_a_ladder_replaces_its_worst_model() -> None:
    seen = view(MINE, THEIRS, (2.7, 2.69), (3.0, 2.9))
    assert keys(Ladder(3), seen, 2.0, 0, 1, 2, 3) == [2]
    assert keys(Ladder(2), seen, 2.0, 0, 1, 2, 3) == [1]


def test_the_absent_never_publishes() -> None:
    assert keys(absent, view(THEIRS), 0.1) == []


@pytest.mark.parametrize("damage", [-1e-9, math.nan, math.inf])
def test_a_model_cannot_be_published_better_than_it_is(damage: float) -> None:
    with pytest.raises(InputError, match="damage"):
        ModelCommit(0, damage=damage)
