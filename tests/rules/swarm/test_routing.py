"""Policies of routing: what each looks at, the uniform share, the limit, and one seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm import routing
from iotapretrain.rules.swarm.routing import (
    HALF_LIFE,
    POLICIES,
    Booked,
    Router,
    RoutingView,
)

NAMES = sorted(POLICIES)


def view(miners: int = 12, stages: int = 3, slots: int = 4) -> RoutingView:
    members = [list(range(stage, miners, stages)) for stage in range(stages)]
    return RoutingView(members, [1.0] * miners, [slots] * miners)


def chosen(name: str, seen: RoutingView, count: int = 600) -> Counter[int]:
    """How often each of the first stage is chosen."""
    policy, rng = POLICIES[name](), random.Random(5)
    return Counter(policy.choose(seen, 0, rng.random) for _ in range(count))


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_chooses_members_of_each_stage(name: str) -> None:
    router, seen = Router(POLICIES[name](), 7), view()
    for _ in range(200):
        route = router.route(seen)
        assert all(m in seen.members[stage] for stage, m in enumerate(route.miners))


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_is_one_sequence(name: str) -> None:
    def routes(seed: int) -> list[object]:
        router, seen = Router(POLICIES[name](), seed), view()
        return [router.route(seen) for _ in range(50)]

    assert routes(3) == routes(3) != routes(4)


@pytest.mark.parametrize("name", NAMES)
def test_a_tenth_is_uniform_and_reaches_everybody(name: str) -> None:
    """Even the slowest, longest queue that no policy would choose gets its part of the tenth."""
    seen = view()
    seen.seconds[0], seen.queue[0], seen.free[0], seen.booked[0] = 1e6, 1000, 0, 1000
    router, count = Router(POLICIES[name](), 1), 4000
    uniform = [route for route in (router.route(seen) for _ in range(count)) if route.uniform]
    assert 0.085 < len(uniform) / count < 0.115
    through = Counter(miner for route in uniform for miner in route.miners)
    assert set(through) == set(range(12))
    assert min(through.values()) > 0.6 * len(uniform) / 4


def test_less_than_a_tenth_is_refused() -> None:
    for share in (0.0, 0.09, 1.1, float("nan")):
        with pytest.raises(InputError, match="uniform share"):
            Router(Booked(), 1, share)
    assert Router(Booked(), 1, 1.0).route(view()).uniform


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=4))
def test_no_more_in_flight_than_the_scarcest_stage_holds(slots: list[list[int]]) -> None:
    flat = [each for stage in slots for each in stage]
    numbers = iter(range(len(flat)))
    members = [[next(numbers) for _ in stage] for stage in slots]
    seen = RoutingView(members, [1.0 + n for n in range(len(flat))], flat)
    scarcest = min(map(sum, slots))
    for name in NAMES:
        assert 0 <= Router(POLICIES[name](), 1).limit(seen) <= scarcest
    assert Router(POLICIES["random"](), 1).limit(seen) == scarcest


def test_ours_keeps_no_more_in_flight_than_is_of_use() -> None:
    """Twelve equal machines in three stages do a trip in 3 seconds: 4 trips are 12 samples each."""
    assert Router(Booked(), 1).limit(view(slots=1000)) == 4 * 12
    assert Router(Booked(), 1).limit(view(slots=5)) == 4 * 5


def test_random_looks_at_nothing() -> None:
    seen = view()
    seen.queue[0], seen.seconds[3] = 99, 99.0
    assert all(900 < count < 1100 for count in chosen("random", seen, 4000).values())


def test_shortest_queue_is_what_was_reported() -> None:
    seen = view()
    seen.queue[:] = [3, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0, 0]
    seen.booked[3] = 99
    assert set(chosen("shortest-queue", seen)) == {3, 6}


def test_two_choices_seldom_take_the_longest_queue() -> None:
    seen = view()
    seen.queue[0] = 9
    counts = chosen("two-choices", seen, 4000)
    assert 0 < counts[0] < 4000 / 16 * 1.5  # only where both draws fall on it
    assert min(counts[m] for m in (3, 6, 9)) > 4000 / 5


def test_weighted_is_slots_times_speed_over_one_and_queue() -> None:
    """6/(1*1) : 4/(2*1) : 4/(1*2) : 0 = 6 : 2 : 2 : 0."""
    seen = view()
    for miner, free, seconds, queue in ((0, 6, 1.0, 0), (3, 4, 2.0, 0), (6, 4, 1.0, 1)):
        seen.free[miner], seen.seconds[miner], seen.queue[miner] = free, seconds, queue
    seen.free[9] = 0
    counts = chosen("weighted", seen, 9970)
    assert counts[9] == 0
    assert [round(counts[m] / 997) for m in (0, 3, 6)] == [6, 2, 2]
    seen.free[:] = [0] * 12
    assert set(chosen("weighted", seen)) == {0, 3, 6, 9}  # all full: anybody


def test_queueing_is_wait_and_service_at_the_reported_queue() -> None:
    seen = view()
    seen.queue[:] = [2, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]
    seen.seconds[0], seen.seconds[3], seen.seconds[6], seen.seconds[9] = 1.0, 0.1, 2.0, 3.5
    assert set(chosen("queueing", seen)) == {3}  # 3, 1.0, 2, 3.5 seconds


def test_outstanding_counts_the_book_and_no_speed() -> None:
    seen = view()
    seen.seconds[6] = 9.0
    for miner in (0, 3, 3, 9):
        seen.issue(miner)
    assert set(chosen("outstanding", seen)) == {6}


def test_ours_is_done_first_by_the_book_whatever_is_reported() -> None:
    seen = view(slots=8)
    seen.queue[:] = [9] * 12
    seen.seconds[0], seen.seconds[3], seen.seconds[6], seen.seconds[9] = 1.0, 2.0, 4.0, 8.0
    taken = []
    for _ in range(15):
        miner = Booked().choose(seen, 0, lambda: 0.5)
        seen.issue(miner)
        taken.append(miner)
    assert Counter(taken) == {0: 8, 3: 4, 6: 2, 9: 1}  # in proportion to speed


def test_ours_takes_full_miners_last() -> None:
    seen = view(slots=2)
    seen.seconds[0] = 0.01
    taken = []
    for _ in range(9):
        miner = Booked().choose(seen, 0, lambda: 0.5)
        seen.issue(miner)
        taken.append(miner)
    assert Counter(taken) == {0: 3, 3: 2, 6: 2, 9: 2}
    assert taken[-1] == 0


def test_ours_compares_neighbours_in_a_large_stage() -> None:
    """The 32 from a drawn one on, around the end, and of them who is done first."""
    seen = RoutingView([range(100)], [1.0] * 100, [4] * 100)
    for miner in (90, 2, 40):
        seen.seconds[miner] = 0.1 * (1 + miner / 100)
    drawn = iter([0.0, 0.10, 0.45, 0.60, 0.95])
    taken = [Booked().choose(seen, 0, drawn.__next__) for _ in range(5)]
    assert taken == [2, 40, 45, 90, 2]


def test_what_is_kept_of_a_speed_is_its_half_life() -> None:
    assert pytest.approx(0.5, abs=1e-15) == routing._KEPT**HALF_LIFE


def test_the_book_settles_and_the_speed_forgets_by_half() -> None:
    seen = view()
    for _ in range(HALF_LIFE):
        seen.issue(0)
        seen.forwarded(0)
        seen.settle(0, True, 3.0)
    assert (seen.booked[0], seen.owed[0]) == (0, 0)
    assert seen.seconds[0] == pytest.approx(2.0)  # half way from 1 to 3
    seen.issue(0)
    seen.settle(0, False)
    assert seen.seconds[0] == pytest.approx(2.0)  # a dropped route says nothing of speed
    assert (seen.booked[0], seen.owed[0]) == (0, 0)


def test_ours_knows_that_a_third_is_done_after_the_forward_pass() -> None:
    """Four samples forwarded owe as much as two and two thirds."""
    seen = RoutingView([[0, 1]], [1.0, 1.0], [9, 9])
    for miner, count in ((0, 4), (1, 3)):
        for _ in range(count):
            seen.issue(miner)
    assert Booked().choose(seen, 0, lambda: 0.5) == 1
    for _ in range(4):
        seen.forwarded(0)
    assert seen.owed == [8, 9]
    assert Booked().choose(seen, 0, lambda: 0.5) == 0


@pytest.mark.parametrize("name", NAMES)
def test_another_miner_is_another_or_nobody(name: str) -> None:
    router, seen = Router(POLICIES[name](), 1), view()
    for _ in range(50):
        assert router.instead(seen, 0, 3) in (0, 6, 9)
    seen.members[1] = [4]
    assert router.instead(seen, 1, 4) is None
    assert seen.members == [[0, 3, 6, 9], [4], [2, 5, 8, 11]]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(InputError, match="seconds above 0"):
        RoutingView([[0]], [seconds], [1])
