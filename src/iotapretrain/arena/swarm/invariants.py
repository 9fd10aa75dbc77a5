"""What must be true of every run, whatever happened in it: broken sentences, or none.

Read from the log, and from what the world saw: it holds every disk and every process. Nobody in the
run could know all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from blake3 import blake3

from iotapretrain.arena.swarm.participants import KINDS
from iotapretrain.arena.swarm.stand_in_step import merged_base
from iotapretrain.arena.swarm.swarm_world import SwarmWorld
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.fold_records import apply
from iotapretrain.rules.swarm.log.swarm_state import StageEpoch, StepPlace, SwarmState
from iotapretrain.rules.swarm.reduction import MergeOutcome

SLACK = 6_000
"""Milliseconds from a deadline until the orchestrator has surely looked up."""


def broken(world: SwarmWorld) -> list[str]:
    """Every invariant that does not hold, told in a sentence each."""
    return [
        *receipts_once(world),
        *equal_replicas(world),
        *bases_follow(world),
        *nobody_honest_convicted(world),
        *waits_end(world),
        *newcomers_work(world),
    ]


def states(world: SwarmWorld) -> Iterator[tuple[SwarmState, records.SwarmRecord]]:
    """Each record with the state before it: the log folded anew, from nothing."""
    state = SwarmState(world.terms)
    for record in world.log.made:
        yield state, record
        state = apply(state, record)


def receipts_once(world: SwarmWorld) -> Iterator[str]:
    """What was acknowledged is in the log once, or its route had come to nothing."""
    filed: Counter[tuple[str, int]] = Counter()
    lost: set[int] = set()
    for record in world.log.made:
        if isinstance(record, records.ReceiptsFiled):
            filed.update((record.hotkey, each.route) for each in record.receipts)
        elif isinstance(record, records.RoutesDropped):
            lost.update(record.routes)
        elif isinstance(record, records.HopMoved):
            lost.add(record.route)
    for (hotkey, route), times in filed.items():
        if times > 1:
            yield f"the receipt of {hotkey} for route {route} is in the log {times} times"
    for hotkey, route in _acknowledged(world):
        if not filed[hotkey, route] and route not in lost:
            yield f"the receipt of {hotkey} for route {route} was acknowledged and is lost"


def _acknowledged(world: SwarmWorld) -> Iterator[tuple[str, int]]:
    for machine in world.machines.values():
        for log in machine.logs:
            for request in log.returned:
                if isinstance(request, records.ReceiptsFiled):
                    yield from ((request.hotkey, each.route) for each in request.receipts)


def equal_replicas(world: SwarmWorld) -> Iterator[str]:
    """Who says that it goes on from a base has its bytes, and so has who announces a change."""
    yield from world.drifted
    for stage in world.log.state.stages:
        if stage.base not in world.blobs.held:
            yield f"nobody can fetch base {stage.base[:12]}"
    for machine in world.machines.values():
        miner = machine.miner
        if miner is not None and machine.kind.honest and miner.base:
            held = blake3(machine.computes[-1].base).hexdigest()
            if held != miner.base:
                yield f"{machine.name} holds {held[:12]} and says {miner.base[:12]}"


def bases_follow(world: SwarmWorld) -> Iterator[str]:
    """Every base is what the changes before it come to, computed once more from the blobs."""
    for state, record in states(world):
        if not isinstance(record, records.EpochOpened):
            continue
        stage = state.stages[record.stage]
        if record.base == stage.base:
            continue
        base, _ = merged_again(world, stage)
        if base is None or blake3(base).hexdigest() != record.base:
            yield f"stage {record.stage}, epoch {record.epoch}: not what its changes come to"


def merged_again(
    world: SwarmWorld, stage: StageEpoch
) -> tuple[bytes | None, dict[str, MergeOutcome]]:
    """A merge, from what was published, and what became of every change."""
    held = world.blobs.held
    sent = tuple(
        (hotkey, each.weight, each.digest, held.get(each.blob))
        for hotkey, each in sorted(stage.changes.items())
        if hotkey in stage.entered
    )
    return merged_base(world.rule, held[stage.base], sent, stage.merges)


def nobody_honest_convicted(world: SwarmWorld) -> Iterator[str]:
    """Nor a validator, all of which are honest here, shown to be wrong."""
    for record in world.log.made:
        if isinstance(record, records.MinerLeft) and record.reason == "convicted":
            kind = KINDS[world.scenario.kinds.get(record.hotkey, "honest")]
            if not kind.guilty:
                yield f"{record.hotkey} was convicted and did what it had to"
        elif isinstance(record, records.StepSettled) and record.wrong:
            yield f"{record.wrong} replayed a step of {record.hotkey} and was held to be wrong"


def waits_end(world: SwarmWorld) -> Iterator[str]:
    """No deadline passes without a record that ends what it is the deadline of."""
    open_: dict[object, int] = {}
    filed: Counter[int] = Counter()
    for record in world.log.made:
        for what in _ends(record, filed, world.terms.stages):
            if what in open_ and _late(world, open_.pop(what), record.at):
                yield f"{what} ended late, at {record.at}, with {type(record).__name__}"
        match record:
            case records.PhaseOpened() | records.EpochOpened() | records.DeadlineMoved():
                open_["stage", record.stage] = record.until
            case records.RoutesIssued(first, miners, until):
                open_ |= {("route", first + place): until for place in range(len(miners))}
            case records.StepChallenged():
                place = StepPlace(record.hotkey, record.stage, record.epoch, record.step)
                open_["step", place] = record.until + world.terms.evidence
    end = int(world.seconds * 1000)
    yield from (f"{what} never ended" for what, at in open_.items() if _late(world, at, end))


def _ends(record: records.SwarmRecord, filed: Counter[int], stages: int) -> Iterable[object]:
    """What a record is the end of; `filed` are receipts by route, a stage files one."""
    match record:
        case records.PhaseOpened() | records.EpochOpened() | records.DeadlineMoved():
            return [("stage", record.stage)]
        case records.RoutesDropped(routes):
            return [("route", number) for number in routes]
        case records.ReceiptsFiled(_, receipts):
            filed.update(each.route for each in receipts)
            return [("route", each.route) for each in receipts if filed[each.route] == stages]
        case records.StepSettled(hotkey, stage, epoch, step):
            return [("step", StepPlace(hotkey, stage, epoch, step))]
    return []


def _late(world: SwarmWorld, until: int, at: int) -> bool:
    """More than a look, and the time in which there was no orchestrator to look."""
    away = sum(max(min(at, up) - max(until - SLACK, down), 0) for down, up in world.down)
    return at > until + SLACK + away


def newcomers_work(world: SwarmWorld) -> Iterator[str]:
    """Nobody whom nothing happened to is slow."""
    for hotkey, since, epoch in slow_newcomers(world):
        if not _was_away(world, hotkey):
            yield f"{hotkey} was not ready in epochs {since} to {epoch - 1}"


def slow_newcomers(world: SwarmWorld) -> Iterator[tuple[str, int, int]]:
    """Who was given a stage and was not ready before it had been through a whole epoch."""
    waiting: dict[str, tuple[int, int]] = {}
    epochs, bases = dict[int, int](), dict[int, str]()
    for record in world.log.made:
        match record:
            case records.SwarmOpened(_, first):
                bases = dict(enumerate(first))
            case records.StagesAssigned(stages):
                waiting |= {hotkey: (stage, epochs.get(stage, 0)) for hotkey, stage in stages}
            case records.BaseHeld(hotkey, stage, base) if base == bases[stage]:
                waiting.pop(hotkey, None)
            case records.MinerLeft(hotkey):
                waiting.pop(hotkey, None)
            case records.EpochOpened(stage, epoch, base):
                epochs[stage], bases[stage] = epoch, base
                for hotkey, (own, since) in list(waiting.items()):
                    if own == stage and epoch > since + 1:
                        del waiting[hotkey]
                        yield hotkey, since, epoch


def _was_away(world: SwarmWorld, hotkey: str) -> bool:
    """Whether the scenario did something to it: nobody can work who is dead or cut off."""
    named = {name for cut in world.scenario.cuts for name in cut.one | cut.other}
    killed = any(each.who == hotkey for each in world.scenario.faults)
    return killed or hotkey in named
