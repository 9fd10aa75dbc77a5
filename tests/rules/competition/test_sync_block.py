"""What happens to a commitment when it is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.competition.attempts import Action, Sighting, action

NEW = Sighting(age=250, delay=250, scheduled_then=True, scheduled_now=True, tracked=False)


def test_none_is_misconfigured() -> None:
    assert action(None) is Action.MISCONFIGURED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Action.FETCH),
        ({"age": 249}, Action.TOO_EARLY),
        ({"age": 0, "delay": 0}, Action.FETCH),
        ({"scheduled_then": False}, Action.MISCONFIGURED),
        ({"scheduled_now": False, "age": 0}, Action.MISCONFIGURED),
        ({"tracked": True}, Action.UNCHANGED),
        ({"tracked": True, "forced": True}, Action.FETCH),
        ({"tracked": True, "forced": True, "age": 10}, Action.TOO_EARLY),
    ],
)
def test_the_first_that_applies_counts(change: dict[str, int], expected: Action) -> None:
    assert action(replace(NEW, **change)) is expected


@given(st.integers(0, 10_000), st.integers(0, 400), st.integers(1, 150))
def test_the_seed_of_a_first_evaluation_is_younger_than_the_commitment(
    commit: int, later: int, cadence: int
) -> None:
    """With a delay of cadence + 100 nobody can have trained on the pages he is judged on."""
    now = commit + later
    sighting = replace(NEW, age=now - commit, delay=cadence + 100)
    if action(sighting) is Action.FETCH:
        assert now // cadence * cadence > commit + 100
