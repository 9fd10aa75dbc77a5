"""The two filters, against their definitions said in loops."""

from __future__ import annotations

import math

from hypothesis import given

from iotapretrain.rules.competition.eligibility import Ineligibility, original, strict, taking_part
from iotapretrain.rules.competition.field import Field
from tests.rules.rounds import DECAY, Entry, broken, entries, field_of, scored, usable

FLOOR = DECAY.floor


def kept(reasons: tuple[Ineligibility | None, ...]) -> list[bool]:
    return [reason is None for reason in reasons]


@given(entries(losses=usable | broken))
def test_original_keeps_what_beats_all_of_earlier_or_equal_blocks(models: list[Entry]) -> None:
    field = field_of(models)
    scores, blocks = field.scores.tolist(), field.blocks.tolist()
    assert kept(original(field, FLOOR)) == [
        all(
            scores[i] < (1 - FLOOR) * scores[j]
            for j in range(len(models))
            if j != i and blocks[j] <= blocks[i]
        )
        for i in range(len(models))
    ]


@given(entries(losses=usable | broken))
def test_strict_keeps_the_best_of_each_block_below_all_earlier_ones(models: list[Entry]) -> None:
    field = field_of(models)
    scores, blocks = field.scores.tolist(), field.blocks.tolist()
    takes_part = [row for row, ok in enumerate(kept(taking_part(field))) if ok]

    def survives(i: int) -> bool:
        peers = [j for j in takes_part if blocks[j] == blocks[i]]
        earlier = [j for j in takes_part if blocks[j] < blocks[i]]
        best = min(peers, key=lambda j: (scores[j], models[j].uid)) == i
        return best and all(scores[i] < (1 - FLOOR) * scores[j] for j in earlier)

    expected = [i in takes_part and survives(i) for i in range(len(models))]
    assert kept(strict(field, FLOOR)) == expected


def test_every_model_that_is_left_out_is_told_why() -> None:
    field = Field.of(
        range(8),
        [1, 2, 2, 3, 4, 5, 6, 7],
        scores=[2.5, 2.4, 2.45, None, math.inf, -1.0, 2.49, 2.3],
        digests=["a", "b", "c", "d", "e", "f", "g", "a"],
    )
    assert strict(field, FLOOR) == (
        None,
        None,
        Ineligibility.SECOND_OF_BLOCK,
        Ineligibility.NO_SCORE,
        Ineligibility.NO_SCORE,
        Ineligibility.NEGATIVE,
        Ineligibility.NEVER_BETTER,
        Ineligibility.COPY,
    )


def test_the_earliest_owns_a_content_even_if_its_own_evaluation_failed() -> None:
    field = scored(None, 2.0, 2.1, digests=["a", "a", "b"])
    assert strict(field, FLOOR) == (Ineligibility.NO_SCORE, Ineligibility.COPY, None)


def test_one_missing_or_negative_page_is_enough_to_take_no_part() -> None:
    field = Field.of(range(3), range(3), losses=[[2.0, None], [9.0, -1.0], [2.0, 2.0]])
    assert taking_part(field) == (Ineligibility.NO_SCORE, Ineligibility.NEGATIVE, None)


def test_ties_in_a_block_go_to_the_smaller_order_and_then_to_the_smaller_uid() -> None:
    same = {"blocks": [5, 5, 5]}
    assert kept(strict(scored(2.0, 2.0, 2.0, orders=[2, 1, 3], **same), FLOOR)).index(True) == 1
    assert kept(strict(scored(2.0, 2.0, 2.0, orders=[1, 1, 1], **same), FLOOR)).index(True) == 0
