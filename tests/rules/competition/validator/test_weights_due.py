"""Versions as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.validator.weights_due import (
    LARGEST_PART,
    parse_version,
    version_number,
)

parts = st.tuples(*[st.integers(0, LARGEST_PART)] * 3)


def text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@given(parts, parts)
def test_numbers_are_in_the_order_of_versions_and_fit_the_chain(
    first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    numbers = version_number(text(first)), version_number(text(second))
    assert (numbers[0] < numbers[1]) == (first < second)
    assert (numbers[0] == numbers[1]) == (first == second)
    assert max(numbers) < 2**63


def test_defect_27_versions_never_collide() -> None:
    """The original makes 4062 of both."""
    assert version_number("4.6.2") > version_number("4.5.12")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "4",
        "4.6",
        "4.6.2.1",
        "v4.6.2",
        "4.6.2rc1",
        "04.6.2",
        "4.6.-2",
        "4.6.+2",
        " 4.6.2",
        "4.6.2\n",
        "4.6.٢",
    ],
)
def test_anything_else_is_no_version(wrong: str) -> None:
    with pytest.raises(InputError, match="three numbers"):
        parse_version(wrong)


def test_a_part_that_would_run_into_the_next_is_refused() -> None:
    with pytest.raises(InputError, match="smaller"):
        version_number(f"1.{LARGEST_PART + 1}.0")
