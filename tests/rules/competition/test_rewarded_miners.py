"""Walking over miners, and following large validators."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.rewarded_miners import (
    UidCycle,
    high_stake_validators,
    top_miners,
)

uids = st.sets(st.integers(0, 30), min_size=1, max_size=8)


def test_validators_need_both_stake_and_permit() -> None:
    assert high_stake_validators([10, 10, 9, 0], [True, False, True, True], 10) == [0]


def test_a_miner_is_on_top_from_exactly_the_share_on() -> None:
    weights = {0: [(1, 1.0), (2, 19.1)], 1: [(4, 1.0)]}
    assert top_miners([5, 0], [True, True], weights, 5, 0.05) == [2]
    assert top_miners([5, 0], [True, True], {0: [(1, 1.0), (2, 19.0)]}, 5, 0.05) == [1, 2]


def test_a_validator_without_weights_rewards_nobody() -> None:
    assert top_miners([5], [True], {}, 5, 0.05) == []
    assert top_miners([5], [True], {0: []}, 5, 0.05) == []


@given(uids, st.integers(0, 40), st.integers(0, 30))
def test_the_walk_is_the_sorted_circle(members: set[int], start: int, count: int) -> None:
    ordered = sorted(members)
    first = next((place for place, uid in enumerate(ordered) if uid >= start), 0)
    taken, _ = UidCycle.over(members, start).take(count)
    assert taken == list(islice(cycle(ordered), first, first + count))


@given(uids, st.integers(0, 12), st.integers(0, 12))
def test_taking_in_two_parts_is_taking_at_once(members: set[int], one: int, two: int) -> None:
    walk = UidCycle.over(members, 7)
    first, rest = walk.take(one)
    second, _ = rest.take(two)
    assert first + second == walk.take(one + two)[0]


@given(uids, uids, st.integers(0, 9))
def test_new_uids_do_not_send_the_walk_back(old: set[int], new: set[int], count: int) -> None:
    _, walk = UidCycle.over(old, 0).take(count)
    [following], _ = walk.replace(new).take(1)
    assert following == min([uid for uid in new if uid >= walk.place] or new)


def test_an_empty_subnet_keeps_the_place() -> None:
    walk = UidCycle.over([5, 9], 9).replace([])
    with pytest.raises(InputError, match="none to walk over"):
        walk.take(1)
    assert walk.replace([5, 9]).take(2)[0] == [9, 5]
