"""Whole swarms of real roles, and what is done to them: the same log every time, and it holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from iotapretrain.arena.swarm import invariants
from iotapretrain.arena.swarm.memory_log import OFFICE
from iotapretrain.arena.swarm.participants import KINDS
from iotapretrain.arena.swarm.scenario import Scenario, random_scenario
from iotapretrain.arena.swarm.swarm_report import SwarmReport, play_scenario
from iotapretrain.arena.swarm.swarm_world import SwarmWorld
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records

SMALL = Scenario(miners=4, epochs=2)
MIDDLE = Scenario(miners=6, epochs=4)


def ended(scenario: Scenario) -> SwarmReport:
    """Played, and nothing that must hold is broken."""
    told = play_scenario(scenario)
    assert told.broken == ()
    assert told.epochs >= scenario.epochs, "it came to its end before its time was over"
    return told


def kinds_of(world: SwarmWorld) -> set[str]:
    return {type(record).__name__ for record in world.log.made}


# --- in good weather ------------------------------------------------------------------------------


def test_a_swarm_alone_merges_and_pays_everybody() -> None:
    told = ended(MIDDLE)
    assert told.merges >= 2 * MIDDLE.epochs
    assert told.failed_merges == told.left == 0
    assert told.goodput > 0.85
    assert told.waited < 10
    assert sum(told.shares.values()) == 1
    assert set(told.shares) == {*MIDDLE.names}
    assert told.bytes["frames"] > 0 < told.bytes["blobs put"]


def test_one_seed_is_one_log_in_any_process() -> None:
    """Whatever order sets have there."""
    code = (
        "from iotapretrain.arena.swarm.scenario import random_scenario;"
        "from iotapretrain.arena.swarm.swarm_world import SwarmWorld;"
        "print(SwarmWorld(random_scenario(7, 6, 3)).play().log.digest)"
    )
    digests = {SwarmWorld(random_scenario(7, 6, 3)).play().log.digest}
    for seed in ("1", "4242"):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(ran.stdout.strip())
    assert len(digests) == 1
    assert SwarmWorld(random_scenario(8, 6, 3)).play().log.digest not in digests


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [OFFICE, "miner-0", "validator-0"])
@pytest.mark.parametrize("record", [2, 9, 31, 77, 140])
def test_whoever_is_killed_at_any_record_the_run_goes_on(who: str, record: int) -> None:
    ended(SMALL.kill(who, back=7).at_record(record))


def test_a_killed_orchestrator_loses_nothing_it_acknowledged() -> None:
    scenario = MIDDLE
    for record in range(20, 400, 40):
        scenario = scenario.kill(OFFICE, back=3).at_record(record)
    world = SwarmWorld(scenario).play()
    assert len(world.down) >= 5
    assert invariants.broken(world) == []


def test_who_vanishes_is_found_silent_and_the_others_merge() -> None:
    world = SwarmWorld(MIDDLE.vanish("miner-1").at_epoch(1)).play()
    assert [
        record.hotkey
        for record in world.log.made
        if isinstance(record, records.MinerLeft) and record.reason == "silent"
    ] == ["miner-1"]
    assert invariants.broken(world) == []


def test_who_leaves_with_notice_is_merged_first_and_comes_back() -> None:
    world = SwarmWorld(MIDDLE.leave("miner-1", back=20).at_epoch(1)).play()
    made = world.log.made
    left = [r for r in made if isinstance(r, records.MinerLeft)]
    joined = [r for r in made if isinstance(r, records.MinerJoined) and r.hotkey == "miner-1"]
    assert [(r.hotkey, r.reason) for r in left] == [("miner-1", "left")]
    assert len(joined) == 2
    assert invariants.broken(world) == []


def test_a_newcomer_works_within_an_epoch() -> None:
    told = ended(replace(MIDDLE, epochs=6).join("late").at_epoch(2))
    assert told.shares["late"] > 0


def test_a_disk_that_is_gone_costs_only_its_own_work() -> None:
    ended(MIDDLE.kill("miner-2", back=5, wiped=True).at_epoch(1, after=5))


@pytest.mark.parametrize(
    "scenario",
    [
        MIDDLE.cut("miner-0", "miner-1", since=5),
        MIDDLE.partition([["miner-0", "miner-3"]], since=20, until=120),
        MIDDLE.cut(OFFICE, "miner-2", since=10, until=100),
        MIDDLE.cut("blobs", OFFICE, since=10, until=60),
        MIDDLE.slow("miner-0", 20),
        replace(MIDDLE, skews={"miner-0": -(10**7), OFFICE: 10**8, "miner-1": 10**7}),
        replace(MIDDLE, stages=3, miners=9),
        replace(MIDDLE, code="bf16").churn(0.4),
    ],
    ids=["cut", "partition", "no office", "no blobs", "slow", "clocks", "three", "churn"],
)
def test_nothing_stops_a_run(scenario: Scenario) -> None:
    ended(scenario)


@pytest.mark.parametrize("seed", range(6))
def test_random_scenarios_hold(seed: int) -> None:
    told = ended(random_scenario(seed, miners=8, epochs=4))
    assert told.goodput > 0.5


# --- cheats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_cheat_harms_nobody_but_itself(kind: str) -> None:
    told = ended(Scenario(miners=6, epochs=4).made("miner-2", kind))
    share = told.shares.get("miner-2", 0)
    assert set(told.convicted) <= ({"miner-2"} if KINDS[kind].guilty else set())
    assert len(told.convicted) <= 1, "nobody is convicted twice"
    if kind in ("honest", "flaky"):
        assert share > 0
    if kind in ("sends against", "sends no numbers", "forges receipts", "withholds changes"):
        assert share == 0
    if kind == "swallows frames":
        assert share < 1 / 12


@pytest.mark.parametrize("kind", ["makes rows up", "skips steps"])
def test_who_does_not_compute_is_convicted_and_forfeits_its_pay(kind: str) -> None:
    told = ended(Scenario(miners=6, epochs=10).made("miner-2", kind))
    assert told.convicted == ("miner-2",)
    assert told.shares["miner-2"] == 0


def test_a_tail_that_diverges_earns_nothing_and_works_on() -> None:
    """Whose losses are none has no receipts, and keeps its process."""
    scenario = Scenario(miners=6, epochs=3)
    first = SwarmWorld(scenario).play().log.state.members
    gone = min(hotkey for hotkey, member in first.items() if member.stage == scenario.stages - 1)
    told = ended(scenario.made(gone, "diverges"))
    assert told.shares.get(gone, 0) == 0
    assert told.convicted == ()


# --- the sentences --------------------------------------------------------------------------------


def test_a_scenario_is_a_sentence() -> None:
    scenario = SMALL.kill(OFFICE).at_record(57).vanish("miner-1").at_epoch(3)
    scenario = scenario.leave("miner-2", back=5).at_second(9).slow("miner-0", 2)
    told = [(f.what, f.who, f.when, f.value, f.back) for f in scenario.faults]
    forever = float("inf")
    assert told == [
        ("kill", OFFICE, "record", 57, 10),
        ("kill", "miner-1", "epoch", 3, forever),
        ("leave", "miner-2", "second", 9, 5),
    ]
    assert SMALL.faults == ()


def test_churn_is_of_the_seed_and_of_its_share() -> None:
    many = Scenario(miners=50, epochs=9, seed=3)
    assert many.churn(0.2) == many.churn(0.2) != replace(many, seed=4).churn(0.2)
    gone = [fault for fault in many.churn(0.2).faults if fault.what != "join"]
    assert 0.1 < len(gone) / (50 * 8) < 0.3
    assert {fault.what for fault in many.churn(0.2).faults} == {"kill", "leave", "join"}
    assert many.churn(0).faults == ()


@pytest.mark.parametrize("wrong", [{"miners": 0}, {"kinds": {"a": "saint"}}, {"hours": 0}])
def test_a_scenario_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Scenario(**wrong)  # type: ignore[arg-type]  # that is the point


# --- the invariants see what they are for ---------------------------------------------------------


def spoil_receipts(world: SwarmWorld) -> None:
    filed = next(r for r in world.log.made if isinstance(r, records.ReceiptsFiled))
    world.log.made.append(filed)


def lose_receipts(world: SwarmWorld) -> None:
    dropped = {n for r in world.log.made if isinstance(r, records.RoutesDropped) for n in r.routes}
    for record in list(world.log.made):
        is_filed = isinstance(record, records.ReceiptsFiled)
        if is_filed and not dropped & {each.route for each in record.receipts}:
            world.log.made.remove(record)
            return


def spoil_replica(world: SwarmWorld) -> None:
    world.machines["miner-0"].computes[-1]._held.base += b"!"


def spoil_base(world: SwarmWorld) -> None:
    for place, record in enumerate(world.log.made):
        if isinstance(record, records.EpochOpened):
            world.log.made[place] = replace(record, base="f" * 64)
            return


def convict(world: SwarmWorld) -> None:
    world.log.made.append(records.MinerLeft("miner-0", "convicted", 10**9))


def wait_on(world: SwarmWorld) -> None:
    last = max(n for n, r in enumerate(world.log.made) if isinstance(r, records.PhaseOpened))
    world.log.made[last] = replace(world.log.made[last], until=0)


def never_ready(world: SwarmWorld) -> None:
    assigned = next(r for r in world.log.made if isinstance(r, records.StagesAssigned))
    first = assigned.stages[:1]
    place = world.log.made.index(assigned)
    made = [
        record
        for record in world.log.made[place + 1 :]
        if not (isinstance(record, records.BaseHeld) and record.hotkey == first[0][0])
    ]
    world.log.made[place + 1 :] = made


@pytest.mark.parametrize(
    ("check", "spoil", "sentence"),
    [
        (invariants.receipts_once, spoil_receipts, "in the log 2 times"),
        (invariants.receipts_once, lose_receipts, "was acknowledged and is lost"),
        (invariants.equal_replicas, spoil_replica, "miner-0 holds"),
        (invariants.bases_follow, spoil_base, "not what its changes come to"),
        (invariants.nobody_honest_convicted, convict, "miner-0 was convicted"),
        (invariants.waits_end, wait_on, "ended late"),
        (invariants.newcomers_work, never_ready, "was not ready in epochs"),
    ],
)
def test_an_invariant_that_is_broken_is_told(
    check: Callable[[SwarmWorld], object], spoil: Callable[[SwarmWorld], None], sentence: str
) -> None:
    world = SwarmWorld(replace(SMALL, epochs=4)).play()
    assert list(check(world)) == []  # type: ignore[call-overload]  # a generator of sentences
    spoil(world)
    found = check(world)
    assert sentence in next(iter(found))  # type: ignore[call-overload]  # the same
