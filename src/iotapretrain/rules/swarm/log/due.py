"""What follows from the time, a new block and who is silent: every wait ends here.

    train -> announce -> publish -> agree -> the next epoch's train        by stage, no barrier

A stage's merge takes whoever is ready by the deadline; with fewer than the least members it comes
to nothing, says so, and the stage trains on from the same base with all that was done. A merge
waits as long as it lately took, twice over, and never longer than the run's terms say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from iotapretrain.rules.swarm.assignment import MeasuredMiner, assign
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.fold_records import apply
from iotapretrain.rules.swarm.log.issuing import routes_due
from iotapretrain.rules.swarm.log.swarm_state import (
    Challenge,
    FiledEpoch,
    SignedBase,
    StageEpoch,
    StepPlace,
    SwarmState,
)
from iotapretrain.rules.swarm.step_audits import StepVerdict, draw_arbiter, draw_audits, settle

BEACON_AFTER = 2
"""Blocks behind the one that was known when an epoch ended: the next may have been made already."""


@dataclass(frozen=True)
class Moment:
    """What the orchestrator sees when it looks up: its clock, the chain, who has been silent."""

    at: int
    block: int = 0
    block_hash: str = ""
    silent: tuple[str, ...] = ()


class DueRecords:
    """Records as they are made, and the state behind them."""

    def __init__(self, state: SwarmState, moment: Moment) -> None:
        self.state, self.moment, self.at = state, moment, moment.at
        self.made: list[records.SwarmRecord] = []

    def write(self, *made: records.SwarmRecord) -> None:
        for record in made:
            self.made.append(record)
            self.state = apply(self.state, record)


Phases = Callable[[DueRecords], bool]
"""Opens the phases that are due; whether routes are issued meanwhile."""


def due(state: SwarmState, moment: Moment, phases: Phases) -> list[records.SwarmRecord]:
    """All records that follow now, in their order; phases are by stage, or as a study has them."""
    turn = DueRecords(state, moment)
    _see_block(turn)
    _challenge(turn)
    _settle(turn)
    _miss_silent(turn)
    _drop_expired(turn)
    issuing = phases(turn)
    _place_newcomers(turn)
    while issuing and (routes := routes_due(turn.state, turn.at)) is not None:
        turn.write(routes)
    return turn.made


def next_deadline(state: SwarmState) -> int | None:
    """When something follows even if nobody asks for anything."""
    route = next((each.until for each in state.routes.values()), None)
    times = [stage.until for stage in state.stages]
    times += [each.until for each in state.challenges.values() if each.until > state.at]
    times += [each.until + state.terms.evidence for each in state.challenges.values()]
    return min(times if route is None else [*times, route], default=None)


def _see_block(turn: DueRecords) -> None:
    moment = turn.moment
    if moment.block > turn.state.block[0]:
        turn.write(records.BlockSeen(moment.block, moment.block_hash, turn.at))


def _miss_silent(turn: DueRecords) -> None:
    for hotkey in turn.moment.silent:
        if turn.state.members[hotkey].present:
            _leave(turn, hotkey, "silent")


def _leave(turn: DueRecords, hotkey: str, reason: Literal["silent", "convicted"]) -> None:
    lost = turn.state.lost_by(hotkey)
    turn.write(records.MinerLeft(hotkey, reason, turn.at))
    if lost:
        turn.write(records.RoutesDropped(lost, f"{hotkey} is {reason}", turn.at))


def _drop_expired(turn: DueRecords) -> None:
    expired = []
    for number, route in turn.state.routes.items():
        if route.until > turn.at:
            break  # routes expire in the order in which they were issued
        expired.append(number)
    if expired:
        reason = f"not back {turn.state.terms.route_time / 1000:g} s after they were issued"
        turn.write(records.RoutesDropped(tuple(expired), reason, turn.at))


# --- epochs ---------------------------------------------------------------------------------------


def by_stage(turn: DueRecords) -> bool:
    """Each stage for itself; the others train on, and whoever merges passes samples on."""
    for stage in range(len(turn.state.stages)):
        _advance(turn, stage)
    return True


def _advance(turn: DueRecords, number: int) -> None:
    """As many phases as are over: all members of a small stage may have announced at once."""
    step = {"train": _train, "announce": _announce, "publish": _publish, "agree": _agree}
    while record := step[turn.state.stages[number].phase](turn, number):
        turn.write(record)
        if isinstance(record, records.EpochOpened):
            _move_members(turn, number)
        if isinstance(record, records.DeadlineMoved):
            return


def _train(turn: DueRecords, number: int) -> records.SwarmRecord | None:
    state, stage = turn.state, turn.state.stages[number]
    ready = state.ready(number)
    worked = {hotkey for hotkey in ready if state.members[hotkey].done} | stage.changes.keys()
    if len(worked) >= state.terms.least:
        if state.weighed(ready) >= state.terms.samples * len(ready):
            return _opened(turn, number, "announce", "its members have done their samples")
        if turn.at >= stage.until:
            return _opened(turn, number, "announce", "its time is over")
    if turn.at < stage.until:
        return None
    reason = f"{len(worked)} members have work to merge, of {state.terms.least}"
    return records.DeadlineMoved(number, reason, turn.at + state.terms.train, turn.at)


def _announce(turn: DueRecords, number: int) -> records.SwarmRecord | None:
    stage, late = _now(turn, number)
    if not late and missing_announcements(turn.state, number):
        return None
    if len(stage.changes) < turn.state.terms.least:
        return _reopened(turn, number, f"{len(stage.changes)} members announced a change")
    return _opened(turn, number, "publish", _why_now(late, "announced"))


def _publish(turn: DueRecords, number: int) -> records.SwarmRecord | None:
    stage, late = _now(turn, number)
    if not late and missing_changes(turn.state, number):
        return None
    published = sum(bool(each.blob) and each.weight > 0 for each in stage.changes.values())
    if published < turn.state.terms.least:
        return _reopened(turn, number, f"{published} changes with work were published")
    return _opened(turn, number, "agree", _why_now(late, "published"))


def _agree(turn: DueRecords, number: int) -> records.SwarmRecord | None:
    """More than half of those who are there must have got the same bytes; one who is alone, may."""
    stage, late = _now(turn, number)
    waiting = missing_signatures(turn.state, number)
    counted = Counter(stage.signed.values()).items()
    agreed, votes = max(counted, key=_most, default=(SignedBase("", ()), 0))
    against = len(stage.signed) - votes + (0 if late else len(waiting))
    enough = min(turn.state.terms.least, len(stage.voters))
    if votes >= enough > 0 and votes > against:
        until = turn.at + turn.state.terms.train
        return records.EpochOpened(number, stage.epoch + 1, *agreed, "", until, turn.at)
    if waiting and not late:
        return None
    return _reopened(turn, number, f"{votes} of {len(stage.voters)} members signed one base")


def _most(counted: tuple[SignedBase, int]) -> tuple[int, SignedBase]:
    return counted[1], counted[0]


def missing_announcements(state: SwarmState, number: int) -> list[str]:
    """Ready members with work whose announcement a merge waits for."""
    changes = state.stages[number].changes
    return [
        hotkey
        for hotkey in state.ready(number)
        if state.members[hotkey].done and hotkey not in changes
    ]


def missing_changes(state: SwarmState, number: int) -> list[str]:
    """Present members whose announced change a merge waits for."""
    changes = state.stages[number].changes
    return [
        hotkey
        for hotkey, each in changes.items()
        if not each.blob and state.members[hotkey].present
    ]


def missing_signatures(state: SwarmState, number: int) -> list[str]:
    """Present members whose base a merge waits for."""
    stage = state.stages[number]
    return [
        hotkey
        for hotkey in stage.voters
        if hotkey not in stage.signed and state.members[hotkey].present
    ]


def _now(turn: DueRecords, number: int) -> tuple[StageEpoch, bool]:
    stage = turn.state.stages[number]
    return stage, turn.at >= stage.until


def _why_now(late: bool, what: str) -> str:
    return f"not all {what} in time" if late else f"all members {what}"


def _opened(
    turn: DueRecords, number: int, phase: records.Phase, reason: str
) -> records.PhaseOpened:
    stage, terms = turn.state.stages[number], turn.state.terms
    lately = stage.lengths.get(phase)
    limit = terms.longest(phase)
    patience = limit if lately is None else min(limit, max(terms.grace, 2 * max(lately)))
    until = turn.at + patience
    return records.PhaseOpened(number, stage.epoch, phase, reason, until, turn.at)


def _reopened(turn: DueRecords, number: int, problem: str) -> records.EpochOpened:
    """No merge: the next epoch goes on from the same base, and nobody's work is lost."""
    stage, until = turn.state.stages[number], turn.at + turn.state.terms.train
    return records.EpochOpened(number, stage.epoch + 1, stage.base, (), problem, until, turn.at)


# --- members --------------------------------------------------------------------------------------


def _place_newcomers(turn: DueRecords) -> None:
    new = {h for h, each in turn.state.members.items() if each.present and each.stage is None}
    if new:
        _assign(turn, new)


def _move_members(turn: DueRecords, number: int) -> None:
    """At an edge whoever stood in the stage may get another; its change has just been merged."""
    _assign(turn, {hotkey for hotkey, _ in turn.state.of_stage(number)})


def _assign(turn: DueRecords, movable: set[str]) -> None:
    state = turn.state
    machines = {
        hotkey: MeasuredMiner(1 / each.seconds, each.stage)
        for hotkey, each in state.members.items()
        if each.present
    }
    wanted = assign(machines, len(state.stages))
    moved = [(h, n) for h, n in wanted.items() if h in movable and state.members[h].stage != n]
    if moved:
        turn.write(records.StagesAssigned(tuple(moved), turn.at))


# --- audits ---------------------------------------------------------------------------------------


def _challenge(turn: DueRecords) -> None:
    """Epochs whose links were filed before this block was made: a block after the next one seen."""
    block, block_hash = turn.moment.block, turn.moment.block_hash
    if not any(isinstance(record, records.BlockSeen) for record in turn.made):
        return
    for filed in turn.state.unaudited:
        if block < filed.block + BEACON_AFTER:
            continue
        for validator in sorted(turn.state.validators):
            for hotkey, step in _drawn(turn.state, filed, validator, block_hash):
                turn.write(
                    _challenged(turn, StepPlace(hotkey, filed.stage, filed.epoch, step), validator)
                )
        turn.write(records.AuditsDrawn(filed.stage, filed.epoch, block, turn.at))


def _drawn(
    state: SwarmState, filed: FiledEpoch, validator: str, beacon: str
) -> tuple[tuple[str, int], ...]:
    """Of members of the validator's own class: who computes the same bytes."""
    machine = state.validators[validator]
    counts = {h: len(e) for h, e in filed.links.items() if state.members[h].machine == machine}
    labels = (state.run, filed.epoch, filed.stage, validator)
    share = state.terms.audit_share
    return draw_audits(beacon, labels, counts, state.doubted, share) if counts else ()


def _challenged(turn: DueRecords, place: StepPlace, validator: str) -> records.StepChallenged:
    until = turn.at + turn.state.terms.evidence
    return records.StepChallenged(validator, *place, until, turn.at)


def _settle(turn: DueRecords) -> None:
    for place, challenge in turn.state.challenges.items():
        if not challenge.evidence:
            if turn.at >= challenge.until:
                turn.write(records.StepSettled(*place, "silent", (), turn.at))
            continue
        ruling, wrong = settle(
            bytes.fromhex(challenge.link),
            bytes.fromhex(challenge.evidence),
            _verdicts(place, challenge),
        )
        if ruling == "open":
            _hear_on(turn, place, challenge)
        elif ruling != "silent":
            turn.write(records.StepSettled(*place, ruling, tuple(sorted(wrong)), turn.at))
        if ruling == "convicted" and not turn.state.members[place.hotkey].convicted:
            _leave(turn, place.hotkey, "convicted")


def _hear_on(turn: DueRecords, place: StepPlace, challenge: Challenge) -> None:
    """Another validator, once all who were drawn have spoken; in the end nobody."""
    if turn.at >= challenge.until + turn.state.terms.evidence:
        turn.write(records.StepSettled(*place, "unheard", (), turn.at))
        return
    if len(challenge.verdicts) < len(challenge.validators):
        return
    others = {
        who
        for who, machine in turn.state.validators.items()
        if machine == challenge.machine and who not in challenge.validators
    }
    if others:
        beacon = turn.state.block[1]
        arbiter = draw_arbiter(beacon, bytes.fromhex(challenge.evidence), others)
        turn.write(_challenged(turn, place, arbiter))


def _verdicts(place: StepPlace, challenge: Challenge) -> Iterator[StepVerdict]:
    link = bytes.fromhex(challenge.link)
    for validator, evidence, replayed in challenge.verdicts:
        given = bytes.fromhex(evidence), bytes.fromhex(replayed)
        yield StepVerdict(validator, place.hotkey, link, *given)
