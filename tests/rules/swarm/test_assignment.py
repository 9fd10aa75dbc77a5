"""Stages for miners: properties for any swarm, and small ones against every division there is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.assignment import HYSTERESIS, LEAST_MEMBERS, MeasuredMiner, assign

speeds = st.integers(1, 40).map(lambda each: each / 8)


@st.composite
def swarms(draw: st.DrawFn, most: int = 30) -> tuple[dict[str, MeasuredMiner], int]:
    stages = draw(st.integers(1, 5))
    count = draw(st.integers(2 * stages, most))
    stage = st.none() | st.integers(0, stages - 1)
    return {f"h{n:02}": MeasuredMiner(draw(speeds), draw(stage)) for n in range(count)}, stages


def capacities(
    machines: dict[str, MeasuredMiner], stage_of: dict[str, int], stages: int
) -> list[float]:
    return [sum(machines[k].speed for k, s in stage_of.items() if s == n) for n in range(stages)]


def sizes(stage_of: dict[str, int], stages: int) -> list[int]:
    return [list(stage_of.values()).count(stage) for stage in range(stages)]


def placed_only(machines: dict[str, MeasuredMiner], given: dict[str, int]) -> dict[str, int]:
    """What newcomers got, everybody else where they were."""
    return {k: m.stage if m.stage is not None else given[k] for k, m in machines.items()}


@given(swarms())
def test_everybody_has_one_stage_in_any_order(swarm: tuple[dict[str, MeasuredMiner], int]) -> None:
    machines, stages = swarm
    given = assign(machines, stages)
    assert list(given) == sorted(machines)
    assert all(0 <= stage < stages for stage in given.values())
    assert assign(dict(reversed(machines.items())), stages) == given


@given(swarms())
def test_who_moves_raises_the_minimum_by_a_tenth(
    swarm: tuple[dict[str, MeasuredMiner], int],
) -> None:
    machines, stages = swarm
    given = assign(machines, stages)
    settled = {k: MeasuredMiner(m.speed, given[k]) for k, m in machines.items()}
    kept = {k: m for k, m in machines.items() if m.stage is not None}
    before = min(capacities(kept, {k: m.stage for k, m in kept.items()}, stages))  # type: ignore[misc]
    after = min(capacities(machines, given, stages))
    assert after >= before
    if len(kept) == len(machines) and given != {k: m.stage for k, m in machines.items()}:
        assert after > HYSTERESIS * before
    assert assign(settled, stages) == given  # and then rests


@given(swarms())
def test_no_stage_is_left_below_two(swarm: tuple[dict[str, MeasuredMiner], int]) -> None:
    machines, stages = swarm
    given = assign(machines, stages)
    had = sizes({k: m.stage for k, m in machines.items() if m.stage is not None}, stages)
    for stage, size in enumerate(sizes(given, stages)):
        assert size >= min(had[stage], LEAST_MEMBERS)


@given(st.lists(speeds, min_size=4, max_size=24), st.integers(1, 2))
def test_newcomers_alone_leave_no_stage_below_two(fast: list[float], stages: int) -> None:
    given = assign({f"h{n:02}": MeasuredMiner(each) for n, each in enumerate(fast)}, stages)
    assert min(sizes(given, stages)) >= LEAST_MEMBERS


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


def in_stages(*stages: list[float]) -> dict[str, MeasuredMiner]:
    return {
        f"{stage}{place}": MeasuredMiner(speed, stage)
        for stage, members in enumerate(stages)
        for place, speed in enumerate(members)
    }


def moved(machines: dict[str, MeasuredMiner], stages: int) -> dict[str, int]:
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
