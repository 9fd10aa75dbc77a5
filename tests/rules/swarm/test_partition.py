"""Blocks dealt to stages: exact, against every cut there is."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.partition import Burden, deal_blocks

burdens = st.builds(Burden, st.integers(0, 20).map(float), st.integers(0, 20))


def every_cut(blocks: list[Burden], head: Burden, tail: Burden, stages: int) -> dict:
    """By cut, the slowest stage's time and the largest stage's memory."""
    found = {}
    for inner in combinations(range(1, len(blocks)), stages - 1):
        spans = [*pairwise((0, *inner, len(blocks)))]
        times = [sum(each.time for each in blocks[a:b]) for a, b in spans]
        memory = [sum(each.memory for each in blocks[a:b]) for a, b in spans]
        times[0], memory[0] = times[0] + head.time, memory[0] + head.memory
        times[-1], memory[-1] = times[-1] + tail.time, memory[-1] + tail.memory
        found[tuple(b - a for a, b in spans)] = max(times), max(memory)
    return found


@given(st.lists(burdens, min_size=1, max_size=8), burdens, burdens, st.data())
def test_no_cut_is_faster(
    blocks: list[Burden], head: Burden, tail: Burden, data: st.DataObject
) -> None:
    stages = data.draw(st.integers(1, len(blocks)))
    bound = data.draw(st.none() | st.integers(0, 80))
    cuts = every_cut(blocks, head, tail, stages)
    fitting = [time for time, memory in cuts.values() if bound is None or memory <= bound]
    if not fitting:
        with pytest.raises(InputError, match="no cut into"):
            deal_blocks(blocks, head, tail, stages, bound)
        return
    dealt = deal_blocks(blocks, head, tail, stages, bound)
    assert cuts[dealt][0] == min(fitting)
    assert bound is None or cuts[dealt][1] <= bound


def test_ends_weigh_on_their_stages() -> None:
    blocks = [Burden(1.0, 1)] * 9
    assert deal_blocks(blocks, Burden(0, 0), Burden(3.0, 0), 3) == (4, 4, 1)
    assert deal_blocks(blocks, Burden(3.0, 0), Burden(0, 0), 3) == (1, 4, 4)


@pytest.mark.parametrize("stages", [0, 4])
def test_more_stages_than_blocks_are_refused(stages: int) -> None:
    with pytest.raises(InputError, match="each stage takes at least one"):
        deal_blocks([Burden(1, 1)] * 3, Burden(0, 0), Burden(0, 0), stages)


@pytest.mark.parametrize(("time", "memory"), [(-1.0, 0), (float("nan"), 0), (0.0, -1)])
def test_a_burden_below_zero_is_refused(time: float, memory: int) -> None:
    with pytest.raises(InputError, match="give 0 or more"):
        Burden(time, memory)
