"""Epochs run every tempo blocks exactly, or when they were asked for, or when far too late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.chain.emission import LONGEST_STEP, NEVER, EpochClock, activity_cutoff


@given(st.integers(1, 50), st.integers(0, 50))
def test_the_period_is_exactly_the_tempo(tempo: int, start: int) -> None:
    clock, ran = EpochClock(tempo, start), []
    for block in range(start + 1, start + 5 * tempo + 1):
        clock = clock.ticked()
        assert clock.due(block) == (clock.blocks_until(block) == 0) == (clock.next_block() == block)
        if clock.due(block):
            clock = clock.ran(block)
            ran.append(block)
    assert ran == [start + k * tempo for k in range(1, 6)]


def test_tempo_zero_never_runs() -> None:
    clock = EpochClock(0, 0, pending_epoch_at=5, blocks_since_last_step=LONGEST_STEP + 1)
    assert not clock.due(10)
    assert clock.blocks_until(10) == NEVER
    assert clock.next_block() is None


def test_an_epoch_that_was_asked_for_comes_earlier_and_only_once() -> None:
    clock = EpochClock(100, 0, pending_epoch_at=30)
    assert clock.next_block() == 30
    assert not clock.due(29)
    assert clock.due(30)
    assert clock.ran(30).next_block() == 130


def test_too_many_blocks_without_an_epoch_make_one_due() -> None:
    assert not EpochClock(65535, 0, blocks_since_last_step=LONGEST_STEP).due(LONGEST_STEP)
    assert EpochClock(65535, 0, blocks_since_last_step=LONGEST_STEP + 1).due(LONGEST_STEP + 1)


def test_the_default_cutoff_is_five_thousand_blocks() -> None:
    assert activity_cutoff(13889, 360) == 5000
    assert activity_cutoff(1000, 0) == 1
