"""The advantage of the earlier model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition import epsilon
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed, LinearDecay, Table, to_beat

LAST_RELEASE = LinearDecay(0.005, 0.0001, 14_400)
STEPS = Table(((0, 0.005), (100, 0.001), (500, 0.0)))
RULES = [Fixed(0.005), LAST_RELEASE, LinearDecay(0.005, 0.01, 1000), STEPS]

fractions = st.floats(0, 0.999)
ages = st.integers(-10, 2**40)


@pytest.mark.parametrize(
    ("age", "expected"), [(0, 0.005), (3_600, 0.003775), (7_200, 0.00255), (14_400, 0.0001)]
)
def test_the_last_release_decays_in_two_days(age: int, expected: float) -> None:
    assert float(LAST_RELEASE.at(age)) == pytest.approx(expected, abs=1e-15)


@given(fractions, fractions, st.integers(1, 10**6), ages)
def test_linear_decay_rounds_like_the_formula(start: float, end: float, n: int, age: int) -> None:
    expected = start - min(max(age, 0) / n, 1) * (start - end)
    assert float(LinearDecay(start, end, n).at(age)) == expected


def test_a_table_steps_at_its_ages() -> None:
    assert STEPS.at([-1, 0, 99, 100, 499, 500, 10**9]).tolist() == [
        0.005, 0.005, 0.005, 0.001, 0.001, 0.0, 0.0,
    ]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_floor_is_the_advantage_at_infinite_age(rule: Epsilon) -> None:
    assert float(rule.at(math.inf)) == rule.floor


@pytest.mark.parametrize("rule", RULES)
def test_many_ages_at_once_give_what_each_gives_alone(rule: Epsilon) -> None:
    several = np.array([-5, 0, 1, 77, 100, 14_399, 14_400, 10**6, math.inf])
    assert rule.at(several).tolist() == [float(rule.at(age)) for age in several]


@pytest.mark.parametrize(
    "document",
    [
        {"type": "fixed", "epsilon": 0.005},
        {"type": "linear", "start": 0.005, "end": 0.0001, "decay_blocks": 14_400},
        {"type": "table", "steps": [[0, 0.005], [100, 0.001]]},
    ],
)
def test_a_document_gives_its_rule(document: dict[str, object]) -> None:
    assert float(epsilon.parse(document).at(0)) == 0.005


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "quadratic", "epsilon": 0.005},
        {"type": "fixed"},
        {"type": "fixed", "epsilon": "much"},
        {"type": "fixed", "epsilon": 0.005, "start": 0.005},
        {"type": "fixed", "epsilon": 1.0},
        {"type": "fixed", "epsilon": -0.001},
        {"type": "fixed", "epsilon": math.nan},
        {"type": "linear", "start": 0.005, "end": 0.0001},
        {"type": "linear", "start": 0.005, "end": 0.0001, "decay_blocks": 0},
        {"type": "linear", "start": 0.005, "end": math.inf, "decay_blocks": 10},
        {"type": "table"},
        {"type": "table", "steps": []},
        {"type": "table", "steps": [[0, 0.005, 1]]},
        {"type": "table", "steps": [[5, 0.005]]},
        {"type": "table", "steps": [[0, 0.005], [0, 0.001]]},
        {"type": "table", "steps": [[0, 0.005], [10, 2.0]]},
    ],
)
def test_a_bad_document_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"^epsilon: "):
        epsilon.parse(document)


def test_a_loss_is_lowered_by_the_share_epsilon_of_itself() -> None:
    assert to_beat(2.0, 0.25) == 1.5
    rows = to_beat(np.array([[2.0, 4.0], [1.0, 3.0]]), np.array([[0.5], [0.0]]))
    assert rows.tolist() == [[1.0, 2.0], [1.0, 3.0]]
