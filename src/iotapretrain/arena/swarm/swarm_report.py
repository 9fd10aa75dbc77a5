"""What a simulated run came to: figures for people, and what everybody was paid."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from iotapretrain.arena.swarm.invariants import broken, slow_newcomers, states
from iotapretrain.arena.swarm.scenario import Scenario
from iotapretrain.arena.swarm.swarm_world import SwarmWorld
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.rewards import (
    MergeShare,
    PayRule,
    VerifiedHops,
    WorkPlace,
    earnings,
    pay_lines,
)

Entry = Literal["entered", "left_out"]


@dataclass(frozen=True)
class SwarmReport:
    """Of one world; `goodput` is how much of all passes back is in a merge.

    `epochs` are those of every stage, `stage_epochs` of all together; `slow` are those of the
    `placed` that were not ready within an epoch. `merge_seconds` are those from a stage's last
    routes of an epoch to its next base, by merge.
    """

    seed: int
    seconds: float
    epochs: int
    stage_epochs: int
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
    placed: int
    slow: int
    shares: dict[str, Fraction]
    digest: str
    broken: tuple[str, ...]

    @property
    def goodput(self) -> float:
        """The share of finished passes that entered a merge."""
        return self.merged_hops / max(self.passes, 1)

    @property
    def hours(self) -> float:
        """Of simulated time."""
        return self.seconds / 3600

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        shares = {hotkey: float(share) for hotkey, share in sorted(self.shares.items())}
        return asdict(self) | {"shares": shares, "goodput": self.goodput, "waited": self.waited}

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
        stage_epochs=sum(stage.epoch for stage in state.stages),
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
        placed=sum(len(e.stages) for e in made if isinstance(e, records.StagesAssigned)),
        slow=sum(1 for _ in slow_newcomers(world)),
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
    """By hotkey, before caps.

    Verified hops pay where the change is in the merge, no drawn step of them is open or was met
    with silence, and their miner was not convicted.
    """
    rule = PayRule((1,) * world.scenario.stages)
    hops: dict[WorkPlace, VerifiedHops] = {}
    merges: dict[WorkPlace, MergeShare] = {}
    convictions, unsettled = [], [each[:3] for each in world.log.state.challenges]
    for number, (state, record) in enumerate(states(world), start=1):
        block, named = state.block[0], str(number)
        match record:
            case records.EpochOpened(stage, left_out=left_out, problem=""):
                merged = state.stages[stage]
                for hotkey in merged.entered:
                    place = WorkPlace(stage, merged.epoch, hotkey)
                    weight, is_in = merged.changes[hotkey].weight, hotkey not in left_out
                    entry: Entry = "entered" if is_in else "left_out"
                    hops[place] = weight, frozenset()
                    merges[place] = MergeShare(block, entry, weight * is_in, True, named)
            case records.StepSettled(hotkey, stage, epoch, _, "silent"):
                unsettled.append((hotkey, stage, epoch))
            case records.MinerLeft(hotkey, "convicted"):
                convictions.append((hotkey, block, named))
    for hotkey, stage, epoch in unsettled:
        place = WorkPlace(stage, epoch, hotkey)
        if place in merges:
            merges[place] = replace(merges[place], settled=False)
    earned = earnings(rule, hops, merges, convictions, world.log.state.block[0])
    return {line.hotkey: line.share for line in pay_lines(rule, earned, {})}
