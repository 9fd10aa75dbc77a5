"""What a simulated run came to: figures for people, and what everybody was paid."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from iotapretrain.arena.swarm.invariants import broken, states
from iotapretrain.arena.swarm.scenario import Scenario
from iotapretrain.arena.swarm.swarm_world import SwarmWorld
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.swarm_state import StageEpoch
from iotapretrain.rules.swarm.rewards import (
    MergeShare,
    PayRule,
    VerifiedHops,
    WorkPlace,
    earnings,
    pay_lines,
)


@dataclass(frozen=True)
class SwarmReport:
    """Of one world; `goodput` is how much of all passes back is in a merge.

    `merge_seconds` are those from a stage's last routes of an epoch to its next base, by merge.
    """

    seed: int
    seconds: float
    epochs: int
    merges: int
    failed_merges: int
    records: int
    events: int
    passes: int
    merged_hops: int
    merge_seconds: tuple[float, ...]
    bytes: dict[str, int]
    convicted: tuple[str, ...]
    left: int
    shares: dict[str, Fraction]
    digest: str
    broken: tuple[str, ...]

    @property
    def goodput(self) -> float:
        """The share of finished passes that entered a merge."""
        return self.merged_hops / max(self.passes, 1)

    @property
    def waited(self) -> float:
        """Seconds of a merge, the middle one."""
        ordered = sorted(self.merge_seconds)
        return ordered[len(ordered) // 2] if ordered else 0.0


def play_scenario(scenario: Scenario) -> SwarmReport:
    """Play it to its end."""
    return report(SwarmWorld(scenario).play())


def report(world: SwarmWorld) -> SwarmReport:
    """What a world that has been played came to."""
    made, state = world.log.made, world.log.state
    computes = [each for machine in world.machines.values() for each in machine.computes]
    opened = [each for each in made if isinstance(each, records.EpochOpened)]
    left = [each for each in made if isinstance(each, records.MinerLeft)]
    return SwarmReport(
        seed=world.scenario.seed,
        seconds=world.seconds,
        epochs=min(stage.epoch for stage in state.stages),
        merges=sum(stage.merges for stage in state.stages),
        failed_merges=sum(bool(each.problem) for each in opened),
        records=len(made),
        events=world.ways.events,
        passes=sum(each.turned for each in computes),
        merged_hops=state.merged_hops,
        merge_seconds=tuple(_merge_seconds(world)),
        bytes=dict(sorted(world.ways.bytes.items())),
        convicted=tuple(each.hotkey for each in left if each.reason == "convicted"),
        left=len(left),
        shares=pay_shares(world),
        digest=world.log.digest,
        broken=tuple(broken(world)),
    )


def _merge_seconds(world: SwarmWorld) -> list[float]:
    began: dict[int, int] = {}
    took = []
    for record in world.log.made:
        if isinstance(record, records.PhaseOpened) and record.phase == "announce":
            began[record.stage] = record.at
        elif isinstance(record, records.EpochOpened) and not record.problem:
            took.append((record.at - began.pop(record.stage)) / 1000)
    return took


def pay_shares(world: SwarmWorld) -> dict[str, Fraction]:
    """By hotkey, before caps: verified hops in merges, less those of who was convicted."""
    rule = PayRule((1,) * world.scenario.stages)
    hops: dict[WorkPlace, VerifiedHops] = {}
    merges: dict[WorkPlace, MergeShare] = {}
    convictions = []
    for number, (state, record) in enumerate(states(world), start=1):
        block = state.block[0]
        if isinstance(record, records.EpochOpened) and not record.problem:
            for place, weight in _entered(record, state.stages[record.stage]).items():
                hops[place] = weight, frozenset()
                merges[place] = MergeShare(block, "entered", weight, True, str(number))
        elif isinstance(record, records.MinerLeft) and record.reason == "convicted":
            convictions.append((record.hotkey, block, str(number)))
    earned = earnings(rule, hops, merges, convictions, world.log.state.block[0])
    return {line.hotkey: line.share for line in pay_lines(rule, earned, defaultdict(str))}


def _entered(record: records.EpochOpened, stage: StageEpoch) -> dict[WorkPlace, int]:
    return {
        WorkPlace(record.stage, stage.epoch, hotkey): stage.changes[hotkey].weight
        for hotkey in stage.entered
    }
