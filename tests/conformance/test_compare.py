"""A comparison that is too kind would make every vector pass."""

from __future__ import annotations

import math

import pytest

from iotapretrain.conformance.compare import matches, number


@pytest.mark.parametrize(
    ("expected", "got", "tol"),
    [
        (1, 1, 0),
        (1, 1.0, 0),
        (0.5, 0.5 + 1e-9, 1e-8),
        ("inf", math.inf, 0),
        ("-inf", -math.inf, 1),
        ("nan", math.nan, 0),
        ([1, [2, "x"]], [1, (2, "x")], 0),
        ({"a": 1}, {"a": 1, "b": 2}, 0),
        (2**64 - 1, 2**64 - 1, 0),
        (None, None, 0),
        ("error", "error", 0),
    ],
)
def test_equal_enough(expected: object, got: object, tol: float) -> None:
    assert matches(expected, got, tol)


@pytest.mark.parametrize(
    ("expected", "got", "tol"),
    [
        (1, 2, 0.5),
        (0.5, 0.5 + 1e-9, 0),
        (True, 1, 0),
        (1, True, 0),
        (False, None, 0),
        ("inf", -math.inf, 1),
        ("nan", 1.0, 1),
        (1.0, math.nan, 1),
        (1.0, math.inf, 1),
        ([1, 2], [1], 0),
        ([1], [1, 2], 0),
        ([1], "1", 0),
        ({"a": 1, "b": 2}, {"a": 1}, 0),
        ({"a": 1}, [["a", 1]], 0),
        (2**64 - 1, 2**64, 0),
        ("error", "no_result", 0),
        ("error", 1, 0),
        (None, 0, 0),
    ],
)
def test_not_equal(expected: object, got: object, tol: float) -> None:
    assert not matches(expected, got, tol)


def test_words_for_numbers() -> None:
    assert number("inf") == math.inf
    assert number("-inf") == -math.inf
    assert math.isnan(number("nan"))
    assert number(2) == 2.0
