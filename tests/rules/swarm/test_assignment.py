"""Stages for miners: properties for any swarm, and small ones against every division there is."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.assignment import HYSTERESIS, LEAST_MEMBERS, MeasuredMiner, assign

Swarm: TypeAlias = dict[str, MeasuredMiner]

speeds = st.integers(1, 40).map(lambda each: each / 8)


@st.composite
def swarms(draw: st.DrawFn, most: int = 30) -> tuple[Swarm, int]:
    stages = draw(st.integers(1, 5))
    count = draw(st.integers(2 * stages, most))
    stage = st.none() | st.integers(0, stages - 1)
    return {f"h{n:02}": MeasuredMiner(draw(speeds), draw(stage)) for n in range(count)}, stages


def capacities(machines: Swarm, stage_of: dict[str, int], stages: int) -> list[float]:
    return [sum(machines[k].speed for k, s in stage_of.items() if s == n) for n in range(stages)]


def sizes(stage_of: dict[str, int], stages: int) -> list[int]:
    return [list(stage_of.values()).count(stage) for stage in range(stages)]


def placed_only(machines: Swarm, given: dict[str, int]) -> dict[str, int]:
    """What newcomers got, everybody else where they were."""
    return {k: m.stage if m.stage is not None else given[k] for k, m in machines.items()}


@given(swarms())
def test_everybody_has_one_stage_in_any_order(swarm: tuple[Swarm, int]) -> None:
    machines, stages = swarm
    given = assign(machines, stages)
    assert list(given) == sorted(machines)
    assert all(0 <= stage < stages for stage in given.values())
    assert assign(dict(reversed(machines.items())), stages) == given


@given(swarms())
def test_who_moves_raises_the_minimum_by_a_tenth(swarm: tuple[Swarm, int]) -> None:
    machines, stages = swarm
    given = assign(machines, stages)
    had = {k: m.stage for k, m in machines.items() if m.stage is not None}
    if min(sizes(had, stages)) >= LEAST_MEMBERS:
        moved = {key for key, stage in had.items() if given[key] != stage}
        newcomers = assign_without_moves(machines, stages)
        before = min(capacities(machines, newcomers, stages))
        after = min(capacities(machines, given, stages))
        assert (after > HYSTERESIS * before) if moved else (after >= before)
    settled = {k: MeasuredMiner(m.speed, given[k]) for k, m in machines.items()}
    assert assign(settled, stages) == given  # and then rests


def assign_without_moves(machines: Swarm, stages: int) -> dict[str, int]:
    """Newcomers largest first to the scarcest stage, by plain search; all others where they are."""
    given = {k: m.stage for k, m in machines.items() if m.stage is not None}
    newcomers = [k for k, m in machines.items() if m.stage is None]
    for key in sorted(newcomers, key=lambda k: (-machines[k].speed, k)):
        capacity = capacities(machines, given, stages)
        given[key] = capacity.index(min(capacity))
    return given


@given(swarms())
def test_every_stage_can_merge(swarm: tuple[Swarm, int]) -> None:
    """Whoever left, and however fast who stayed: while there are enough, each stage has two."""
    machines, stages = swarm
    assert min(sizes(assign(machines, stages), stages)) >= LEAST_MEMBERS


def test_a_stage_that_lost_all_but_one_gets_the_slowest_of_the_richest() -> None:
    machines = in_stages([9.0], [3.0, 1.0, 2.0], [2.0, 2.0, 1.0])
    assert moved(machines, 3) == {"11": 0}


def test_fewer_than_two_a_stage_stay_where_they_are() -> None:
    assert moved(in_stages([9.0], [3.0, 1.0]), 2) == {}
    assert moved(in_stages([9.0], []), 2) == {}


@given(st.lists(speeds, min_size=4, max_size=7), st.integers(1, 3))
def test_the_scarcest_stage_is_near_the_best_there_is(fast: list[float], stages: int) -> None:
    """Against every division that leaves two a stage: what is left is below the hysteresis."""
    if len(fast) < 2 * stages:
        return
    machines = {f"h{n}": MeasuredMiner(each) for n, each in enumerate(fast)}
    keys = sorted(machines)
    best = max(
        min(capacities(machines, dict(zip(keys, stage, strict=True)), stages))
        for stage in product(range(stages), repeat=len(fast))
        if min(sizes(dict(zip(keys, stage, strict=True)), stages)) >= LEAST_MEMBERS
    )
    assert min(capacities(machines, assign(machines, stages), stages)) >= 0.75 * best


def in_stages(*stages: list[float]) -> Swarm:
    return {
        f"{stage}{place}": MeasuredMiner(speed, stage)
        for stage, members in enumerate(stages)
        for place, speed in enumerate(members)
    }


def moved(machines: Swarm, stages: int) -> dict[str, int]:
    return {k: s for k, s in assign(machines, stages).items() if s != machines[k].stage}


def test_a_tenth_is_not_enough_and_more_is() -> None:
    # moving the miner of 0.5 makes 5.0 and 5.5 of 5.5 and 5.0: no gain; of 6 and 5, 5.5: a tenth
    assert moved(in_stages([2.0, 3.5, 0.5], [2.5, 2.5]), 2) == {}
    assert moved(in_stages([2.0, 3.5, 0.75], [2.0, 2.5]), 2) == {"02": 1}


def test_two_are_never_split_but_may_be_swapped() -> None:
    assert moved(in_stages([8.0, 1.0], [1.0, 1.0]), 2) == {}
    assert moved(in_stages([8.0, 8.0], [1.0, 1.0]), 2) == {"01": 1, "10": 0}


def test_two_equally_scarce_stages_are_both_helped_or_none() -> None:
    machines = in_stages([1.0] * 8, [1.0] * 2, [1.0] * 2)
    assert sizes(assign(machines, 3), 3) == [4, 4, 4]


def test_a_newcomer_goes_to_the_scarcest_stage_and_moves_nobody() -> None:
    machines = in_stages([4.0, 4.0], [3.0, 4.0])
    assert assign(machines | {"new": MeasuredMiner(1.0)}, 2)["new"] == 1
    assert moved(machines, 2) == {}


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(InputError, match="give more than 0"):
        MeasuredMiner(speed)


@pytest.mark.parametrize(("stage", "stages"), [(2, 2), (None, 0)])
def test_a_stage_that_is_none_is_refused(stage: int | None, stages: int) -> None:
    with pytest.raises(InputError, match="machines in no other stage"):
        assign({"a": MeasuredMiner(1.0, stage)}, stages)
