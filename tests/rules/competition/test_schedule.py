"""Ranges of blocks, and what a schedule promises at every block."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.schedule import (
    Blocks,
    Competition,
    Constraints,
    Schedule,
    Slot,
    TextTask,
)
from iotapretrain.rules.competition.tournament import RoundRules

CONSTRAINTS = Constraints(1, 10, 128, "bytes", 1000, frozenset({"LlamaForCausalLM"}))
TASK = TextTask(name="PROSE", weight=1.0, dataset="python-docs", pages=1)


def competition(
    number: int, start: int, end: int | None, share: float, models: int | None = None
) -> Competition:
    return Competition(
        id=number,
        name=f"c{number}",
        models=number if models is None else models,
        blocks=Blocks(start, end),
        share=share,
        constraints=CONSTRAINTS,
        tasks=(TASK,),
        rules=RoundRules(Fixed(0.005)),
    )


def test_a_range_includes_its_first_block_and_not_its_end() -> None:
    assert [block in Blocks(10, 12) for block in (9, 10, 11, 12)] == [False, True, True, False]
    assert 10**12 in Blocks(0)
    assert 5 not in Blocks(5, 5)


def test_competitions_overlap_without_copies() -> None:
    schedule = Schedule(
        (
            competition(0, 0, 100, 1.0),
            competition(1, 100, None, 0.25),
            competition(2, 100, None, 0.75),
        )
    )
    assert schedule.boundaries == (0, 100)
    assert [entry.id for entry in schedule.active(99)] == [0]
    assert schedule.shares(100) == {1: 0.25, 2: 0.75}


def test_models_are_committed_to_who_owns_them() -> None:
    """The lower-epsilon 7B competition is a label: its models are committed to 0."""
    schedule = Schedule((competition(0, 0, None, 0.9), competition(3, 0, None, 0.1, models=0)))
    accepting = schedule.accepting(0, 5)
    assert accepting is not None
    assert accepting.name == "c0"
    assert schedule.accepting(3, 5) is None
    assert schedule.accepting(7, 5) is None


def test_reserved_shares_count_but_accept_nothing() -> None:
    schedule = Schedule((competition(2, 0, None, 0.45),), (Slot(6, "TTS", Blocks(0), 0.55),))
    assert schedule.shares(0) == {2: 0.45, 6: 0.55}
    assert [entry.id for entry in schedule.active(0)] == [2]
    assert schedule.accepting(6, 0) is None


def test_a_schedule_may_end() -> None:
    schedule = Schedule((competition(0, 5, 10, 1.0),))
    assert schedule.accepting(0, 10) is None
    for block in (4, 10):
        with pytest.raises(InputError, match=f"block {block}: no competition"):
            schedule.active(block)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([(0, 0, None, 0.9)], "block 0: shares sum to 0.9"),
        ([(0, 0, None, 0.9), (1, 50, None, 0.1)], "block 0: shares sum to 0.9"),
        ([(0, 0, None, 1.0), (1, 50, 60, 0.1)], "block 50: shares sum to 1.1: c0 1, c1 0.1"),
        ([(0, 0, 50, 1.0), (1, 60, None, 1.0)], "block 50: shares sum to 0: nothing active"),
        ([(0, 0, None, 0.5), (0, 0, None, 0.5)], "each of them once"),
        ([(0, 0, 50, 1.0), (1, 0, None, 0.4, 2), (2, 0, 9, 0.6)], "block 0: shares sum to 2"),
        ([(0, 0, None, 0.5, 2), (2, 0, 9, 0.5), (3, 9, None, 0.5)], "block 9: c0 scores models"),
        ([(0, 0, None, 0.5, 2), (2, 0, None, 0.5, 0)], "scores models of competition 2"),
    ],
)
def test_every_block_is_checked(entries: list[tuple[int, ...]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Schedule(tuple(competition(*entry) for entry in entries))


def test_a_reserved_share_alone_is_no_game() -> None:
    with pytest.raises(ConfigError, match="block 10"):
        Schedule((competition(0, 0, 10, 1.0),), (Slot(6, "TTS", Blocks(10), 1.0),))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Blocks(-1),
        lambda: Blocks(5, 4),
        lambda: replace(CONSTRAINTS, min_parameters=11),
        lambda: replace(CONSTRAINTS, min_parameters=-1),
        lambda: replace(CONSTRAINTS, sequence_length=1),
        lambda: replace(CONSTRAINTS, max_bytes=0),
        lambda: replace(CONSTRAINTS, architectures=frozenset()),
        lambda: replace(CONSTRAINTS, dtype="int8"),
        lambda: replace(TASK, pages=0),
        lambda: replace(TASK, page_rows=0),
        lambda: replace(TASK, sequences=0),
        lambda: replace(TASK, weight=-1.0),
        lambda: competition(100, 0, None, 1.0),
        lambda: competition(0, 0, None, 0.0),
        lambda: competition(0, 0, None, 1.1),
        lambda: competition(0, 0, None, float("nan")),
        lambda: replace(competition(0, 0, None, 1.0), alpha=1.1),
        lambda: replace(competition(0, 0, None, 1.0), eval_block_delay=-1),
        lambda: replace(competition(0, 0, None, 1.0), tasks=()),
        lambda: replace(competition(0, 0, None, 1.0), tasks=(TASK, TASK)),
        lambda: replace(competition(0, 0, None, 1.0), tasks=(replace(TASK, weight=0.9),)),
        lambda: Schedule(()),
        lambda: Schedule((competition(0, 0, None, 1.0),), sync_cadence=0),
    ],
)
def test_impossible_values_are_refused(build: object) -> None:
    with pytest.raises(InputError) as refused:
        build()  # type: ignore[operator]
    assert "\n" not in str(refused.value)
