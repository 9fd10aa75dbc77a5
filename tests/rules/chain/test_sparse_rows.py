"""Rows of pairs: what goes in comes out, and what is malformed is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.sparse_rows import Rows

rows = st.integers(1, 6).flatmap(
    lambda size: st.lists(
        st.dictionaries(st.integers(0, size - 1), st.integers(0, 65535)),
        min_size=size,
        max_size=size,
    )
)


@given(rows)
def test_pairs_come_back_sorted_zeros_included(given_rows: list[dict[int, int]]) -> None:
    kept = Rows.from_pairs([row.items() for row in given_rows])
    assert kept.to_pairs() == [sorted(row.items()) for row in given_rows]
    assert kept.filled().tolist() == [bool(row) for row in given_rows]


@given(rows, st.data())
def test_any_lines_can_be_taken_as_a_matrix_and_back(
    given_rows: list[dict[int, int]], data: st.DataObject
) -> None:
    size = len(given_rows)
    chosen = np.array(sorted(data.draw(st.sets(st.integers(0, size - 1)))), np.int64)
    matrix = Rows.from_pairs([row.items() for row in given_rows]).dense(chosen, absent=-1)
    expected = [[given_rows[i].get(j, -1) for j in range(size)] for i in chosen]
    assert matrix.tolist() == expected
    again = Rows.from_dense(size, chosen, matrix, matrix >= 0).to_pairs()
    assert again == [sorted(given_rows[i].items()) if i in chosen else [] for i in range(size)]


def test_rows_cannot_be_changed() -> None:
    kept = Rows.from_pairs([[(0, 1)]])
    with pytest.raises(ValueError, match="read-only"):
        kept.value[0] = 2


def test_no_neurons_have_no_rows() -> None:
    assert Rows.empty(0).to_pairs() == []
    assert Rows.empty(2).to_pairs() == [[], []]


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([[], [(2, 5)]], "weights: row 1: uid 2 is not one of the 2 neurons"),
        ([[(-1, 5)], []], "weights: row 0: uid -1 is not one"),
        ([[(0, 65536)], []], r"weights: row 0: uid 0 has a value outside 0\.\.65535"),
        ([[], [(0, -3)]], "weights: row 1: uid 0 has a value outside"),
        ([[], [(0, 1), (1, 2), (0, 1)]], "weights: row 1: uid 0 is there twice"),
        ([[(0, 0.5)], []], "pair of two whole numbers"),
        ([[(0, 1, 2)], []], "pair of two whole numbers"),
        ([[(0, 1), (1,)], []], "pair of two whole numbers"),
        ([[(0, "1")], []], "pair of two whole numbers"),
        ([[(0, 2**70)], []], "pair of two whole numbers"),
    ],
)
def test_malformed_rows_are_refused_by_name(
    pairs: list[list[tuple[int, ...]]], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        Rows.from_pairs(pairs, "weights")
