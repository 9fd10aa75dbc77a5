"""A sample finds what it promises to find."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.competition.audit.recomputed_losses import chance_of_finding, sampled
from iotapretrain.errors import InputError


@given(st.integers(1, 8), st.data())
def test_the_chance_is_the_share_of_samples_that_hold_a_false_one(
    total: int, data: st.DataObject
) -> None:
    sample, false = (data.draw(st.integers(0, total)) for _ in range(2))
    drawn = list(combinations(range(total), sample))
    finding = sum(any(place < false for place in places) for places in drawn)
    assert chance_of_finding(total, sample, false) == pytest.approx(finding / len(drawn))


def test_samples_of_many_auditors_find_one_false_loss_as_often_as_stated() -> None:
    auditors, total, sample = 4_000, 40, 12
    found = sum(17 in sampled(range(total), sample, Random(seed)) for seed in range(auditors))
    expected = chance_of_finding(total, sample, 1)
    assert expected == pytest.approx(0.3)
    spread = math.sqrt(auditors * expected * (1 - expected))
    assert abs(found - auditors * expected) < 4 * spread


@given(st.lists(st.integers(), unique=True), st.integers(1, 20), st.integers(0, 9))
def test_a_sample_is_some_of_them_in_their_order_and_the_same_for_a_seed(
    items: list[int], count: int, seed: int
) -> None:
    drawn = sampled(items, count, Random(seed))
    assert len(drawn) == min(count, len(items))
    assert drawn == [item for item in items if item in drawn]
    assert drawn == sampled(items, count, Random(seed))
    assert sampled(items, None, Random(seed)) == items


def test_impossible_samples_are_refused() -> None:
    with pytest.raises(InputError, match="sample of 0"):
        sampled([1, 2], 0, Random(0))
    with pytest.raises(InputError, match="3 false"):
        chance_of_finding(2, 1, 3)
