"""The laboratory of routing: nothing is lost or counted twice, and one seed is one outcome."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.arena.swarm import routing_lab
from iotapretrain.arena.swarm.routing_lab import LabEpoch, play
from iotapretrain.arena.swarm.routing_study import study_routing
from iotapretrain.arena.swarm.routing_world import CLASSES, SECOND, LabWorld, Machines
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.routing import POLICIES, Route, Router, RoutingView

SMALL = LabWorld(miners=12, stages=3, samples=150, epochs=2)
STORMY = ((1.0, 0.4, 0.5),)
"""A class of which two in five leave in an epoch."""


def played(world: LabWorld, policy: str, seed: int, checked: bool = True) -> LabEpoch:
    """One epoch of a swarm dealt round robin, each event looked at."""
    machines = Machines(world, seed)
    members = [range(stage, world.miners, world.stages) for stage in range(world.stages)]
    view = RoutingView(members, machines.measured(), [world.cache] * world.miners)
    departures = machines.departures()
    bound = machines.shortest(departures)
    router = Router(POLICIES[policy](), seed)
    epoch = (Checked if checked else LabEpoch)(world, machines, view, router, int(8 * bound))
    epoch.run(departures)
    assert epoch.now >= 0.97 * bound or epoch.completed < world.wanted
    return epoch


class Checked(LabEpoch):
    """An epoch that checks after every event of a sample what must hold always."""

    seen_until = 0

    def _push(self, moment: int, number: int, hop: int, kind: int) -> None:
        assert self.now >= self.seen_until  # time never runs back
        assert moment >= self.now
        self.seen_until = self.now
        for miner in range(self.world.miners):
            assert 0 <= self.cached[miner] <= self.world.cache
            assert len(self.ahead[miner]) <= routing_lab.QUEUE_BOUND
            assert self.view.booked[miner] >= 0
        super()._push(moment, number, hop, kind)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(POLICIES)),
    st.integers(0, 1000),
    st.integers(1, 4),
    st.integers(1, 8),
    st.booleans(),
)
def test_each_sample_ends_once(
    policy: str, seed: int, stages: int, cache: int, stormy: bool
) -> None:
    world = LabWorld(miners=4 * stages, stages=stages, samples=60, cache=cache)
    with pytest.MonkeyPatch.context() as patch:
        if stormy:
            patch.setattr("iotapretrain.arena.swarm.routing_world.CLASSES", STORMY)
        epoch = played(world, policy, seed)
    assert epoch.completed + epoch.dropped + len(epoch.open) == len(epoch.path)
    assert epoch.completed <= world.wanted
    assert len(epoch.took) == epoch.completed
    if epoch.completed == world.wanted:
        assert not epoch.open
        assert epoch.view.booked == epoch.view.owed == [0] * world.miners
        assert epoch.cached == [0] * world.miners
    assert all(work <= epoch.now + 4 * SECOND for work in epoch.worked)


def test_a_stage_without_anybody_ends_at_the_epoch_s_last_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("iotapretrain.arena.swarm.routing_world.CLASSES", ((1.0, 1 - 1e-9, 0.0),))
    epoch = played(SMALL, "ours", 3)
    assert epoch.completed < SMALL.wanted
    assert epoch.dropped + len(epoch.open) + epoch.completed == len(epoch.path)
    assert play(SMALL, "ours", 3).efficiency < 0.5


def test_without_drop_outs_nothing_is_dropped() -> None:
    for name in POLICIES:
        result = play(replace(SMALL, churn=False), name, 1)
        assert (result.dropped, result.unfinished, result.completed) == (0, 0, 300)


def test_one_seed_is_one_outcome_and_another_another() -> None:
    for name in POLICIES:
        one, same, other = (play(SMALL, name, seed) for seed in (5, 5, 6))
        assert astuple(one) == astuple(same) != astuple(other)


def test_hash_seeds_change_no_byte() -> None:
    code = (
        "from iotapretrain.arena.swarm.routing_study import *; import json;"
        "w = LabWorld(miners=20, stages=4, samples=100);"
        "print(json.dumps(study_routing(w, None, [1, 2]).as_data()))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert printed[0] == printed[1]
    assert len(printed[0]) > 1000


def test_no_more_routes_are_issued_than_the_limit_allows() -> None:
    """Routes are in flight up to the slots of the scarcest stage, and no further."""
    most: list[int] = []

    class Counted(Router):
        def route(self, view: RoutingView) -> Route:
            most.append(1 + sum(view.booked[m] for m in view.members[0]))
            return super().route(view)

    world = LabWorld(miners=6, stages=2, samples=300, cache=3, churn=False)
    view = RoutingView([range(2), range(2, 6)], [1.0] * 6, [3] * 6)
    epoch = LabEpoch(world, Machines(world, 1), view, Counted(POLICIES["random"](), 1), 10**10)
    epoch.run([])
    assert epoch.completed == 300
    assert max(most) == 2 * 3


def test_the_bound_counts_who_is_there() -> None:
    """Two machines of a sample a second share 100 samples; one leaves at 10 s: 80 are left."""
    world = LabWorld(miners=2, stages=1, samples=100)
    machines = Machines(world, 1)
    machines.ahead = [SECOND / 3] * 2
    assert machines.shortest([(10 * SECOND, 0), (11 * SECOND, 1)]) == pytest.approx(90 * SECOND)
    assert machines.shortest([(60 * SECOND, 0), (99 * SECOND, 1)]) == pytest.approx(50 * SECOND)


def test_one_machine_a_stage_hop_by_hop_against_arithmetic() -> None:
    """A single sample through equal machines takes what the specification adds up."""
    world = LabWorld(miners=4, stages=2, samples=1, churn=False, packet_bytes=1_000_000)
    machines = Machines(world, 1)
    machines.ahead, machines.noise = [0.5 * SECOND] * 4, [1.0] * 1024
    machines.latency, machines.uplink = [0.1 * SECOND] * 4, [10.0] * 4
    view = RoutingView([[0, 1], [2, 3]], [1.5] * 4, [5] * 4)
    epoch = LabEpoch(world, machines, view, Router(POLICIES["random"](), 1), 10**9)
    epoch.run([])
    way, packet = 120_000, 100_000
    passes = 2 * 3 * 500_000
    assert epoch.took == [way + passes + 2 * (packet + way) + way]


def test_gradients_go_before_samples_and_a_full_cache_waits() -> None:
    world = LabWorld(miners=4, stages=2, samples=30, churn=False, cache=1)
    view = RoutingView([[0, 1], [2, 3]], [1.5] * 4, [2] * 4)
    epoch = LabEpoch(world, Machines(world, 1), view, Router(POLICIES["random"](), 1), 10**9)
    epoch._admit()
    assert list(epoch.open) == [0, 1, 2, 3]
    del epoch.open[0]  # given up: it is passed over
    epoch.ahead[2].extend([0, 1, 3])
    epoch.back[2].append(2)
    for expected in (2, 1, -1):
        epoch._start(2)
        assert epoch.at_work[2] == expected
        epoch.at_work[2] = -1
    assert list(epoch.ahead[2]) == [3]
    epoch.cached[2] = 0
    epoch._start(2)
    assert epoch.at_work[2] == 3


def test_whoever_left_is_replaced_once_and_what_it_held_is_given_up() -> None:
    """Of two heads one leaves at once: its samples are routed anew after the time to connect."""
    world = LabWorld(miners=4, stages=2, samples=8, churn=True)
    view = RoutingView([[0, 1], [2, 3]], [1.5] * 4, [8] * 4)
    epoch = LabEpoch(world, Machines(world, 1), view, Router(POLICIES["random"](), 1), 10**9)
    epoch.run([(0, 0)])
    assert epoch.completed == 8
    assert (epoch.dropped, len(epoch.path)) == (0, 8)
    assert epoch.retried
    assert all(path[0] == 1 for path in epoch.path)
    view = RoutingView([[0, 1], [2, 3]], [1.5] * 4, [8] * 4)
    late = LabEpoch(world, Machines(world, 1), view, Router(POLICIES["random"](), 1), 10**9)
    late.run([(2 * SECOND, 0)])  # in the middle of its first samples
    assert late.completed == 8
    assert late.dropped > 0
    assert len(late.path) == 8 + late.dropped
    assert view.booked == view.owed == [0] * 4


def test_liars_draw_samples_to_themselves_but_not_from_ours() -> None:
    """Who reports an empty queue is chosen by those who believe it; ours reads no report."""
    honest, lied = (
        LabWorld(miners=24, stages=3, samples=600, epochs=1, liars=share, churn=False)
        for share in (0.0, 0.2)
    )
    lost = {
        name: 1
        - sum(play(lied, name, seed).efficiency for seed in range(1, 6))
        / sum(play(honest, name, seed).efficiency for seed in range(1, 6))
        for name in ("shortest-queue", "ours")
    }
    assert lost["shortest-queue"] > 0.3
    assert abs(lost["ours"]) < 0.02


def test_classes_are_the_specification_s() -> None:
    assert sum(share for share, _, _ in CLASSES) == pytest.approx(1)
    world = LabWorld(miners=10_000, stages=3)
    machines = Machines(world, 1)
    rate = sum(moment < 10**9 for moment, _ in machines.departures())
    assert rate > 0
    assert machines.leaves.count(0.01) == pytest.approx(7500, rel=0.03)
    assert machines.leaves.count(0.20) == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize(
    "wrong", [{"miners": 5, "stages": 3}, {"stages": 17, "miners": 99}, {"stages": 0}, {"cache": 0}]
)
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="give 1"):
        LabWorld(**wrong)


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no policy 'best'; there are random, shortest-queue"):
        play(SMALL, "best", 1)


def test_ours_is_ahead_of_the_baselines() -> None:
    """A short swarm of the default's shape: the published figures are `bench/routing.py`'s."""
    world = LabWorld(epochs=1, samples=2560)
    study = study_routing(world, ["random", "shortest-queue", "ours"], [1, 2, 3])
    assert study.gain("ours", "random") > 1.4
    assert study.gain("ours", "shortest-queue") > 1.1
    assert study.median("ours", "efficiency") > 0.75
