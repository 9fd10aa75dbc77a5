"""Which sync blocks a validator left without a record."""

from __future__ import annotations

import pytest

from iotapretrain.rules.sampling import skipped_blocks


@pytest.mark.parametrize(
    ("recorded", "since", "until", "skipped"),
    [
        ([10, 20, 30], 10, 45, []),  # the round of 40 may still be computing
        ([10, 30], 10, 50, [20, 40]),
        ([10, 33], 10, 40, [20, 30]),  # 33 is no sync block
        ([], 15, 40, [20, 30]),
        ([40], 40, 30, []),
        ([], -5, 20, [10]),
    ],
)
def test_sync_blocks_between_the_first_and_the_newest(
    recorded: list[int], since: int, until: int, skipped: list[int]
) -> None:
    assert skipped_blocks(recorded, since, until, 10) == skipped
