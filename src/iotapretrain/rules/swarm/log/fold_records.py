"""From a state and the next record to the state behind it: what anybody who reads the log does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.swarm_state import (
    Challenge,
    Change,
    FiledEpoch,
    Member,
    SignedBase,
    StageEpoch,
    StepPlace,
    SwarmRoute,
    SwarmState,
    contradicted,
    verified,
)
from iotapretrain.rules.swarm.routing import PASSES, smoothed

RECENT = 5
"""Merges whose lengths a deadline follows from."""

Key = TypeVar("Key")
Value = TypeVar("Value")


def apply(state: SwarmState, record: records.SwarmRecord) -> SwarmState:
    """The state behind the record."""
    return _applied(replace(state, at=max(state.at, record.at)), record)


def _applied(state: SwarmState, record: records.SwarmRecord) -> SwarmState:
    match record:
        case records.SwarmOpened(run, bases):
            return replace(state, run=run, stages=tuple(StageEpoch(0, base) for base in bases))
        case records.MinerJoined():
            return _joined(state, record)
        case records.ValidatorJoined(hotkey, machine):
            return replace(state, validators={**state.validators, hotkey: machine})
        case records.MinerLeft(hotkey, reason):
            member = state.members[hotkey]
            gone = replace(member, present=False, convicted=reason == "convicted")
            return _member(state, hotkey, gone)
        case records.StagesAssigned(stages):
            moved = {
                hotkey: replace(state.members[hotkey], stage=stage, holds="", done=0, merged=-1)
                for hotkey, stage in stages
            }
            return replace(state, members={**state.members, **moved})
        case records.BaseHeld(hotkey, _, base):
            return _member(state, hotkey, replace(state.members[hotkey], holds=base))
        case records.EpochOpened():
            return _epoch_opened(state, record)
        case records.DeadlineMoved(stage, _, until):
            return _stage(state, stage, replace(state.stages[stage], until=until))
        case records.RoutesIssued():
            return _issued(state, record)
        case records.HopMoved():
            return _hop_moved(state, record)
        case records.RoutesDropped(routes):
            return _ended(state, routes)
        case records.ReceiptsFiled(hotkey, receipts):
            return _filed(state, hotkey, receipts)
        case records.PhaseOpened():
            return _phase_opened(state, record)
        case records.ChangeAnnounced(hotkey, stage, _, change, links):
            bound = Change(change, state.members[hotkey].done, links)
            return _with_change(state, stage, hotkey, bound)
        case records.ChangePublished(hotkey, stage, _, blob):
            there = replace(state.stages[stage].changes[hotkey], blob=blob)
            return _with_change(state, stage, hotkey, there)
        case records.BaseSigned(hotkey, stage, _, base, left_out):
            said = SignedBase(base, left_out)
            signed = {**state.stages[stage].signed, hotkey: said}
            return _stage(state, stage, replace(state.stages[stage], signed=signed))
        case records.BlockSeen(block, block_hash):
            return replace(state, block=(block, block_hash))
        case records.StepChallenged():
            return _challenged(state, record)
        case records.AuditsDrawn(stage, epoch):
            return _audits_drawn(state, stage, epoch)
        case records.EvidenceGiven(hotkey, stage, epoch, step, evidence):
            place = StepPlace(hotkey, stage, epoch, step)
            given = replace(state.challenges[place], evidence=evidence)
            return replace(state, challenges={**state.challenges, place: given})
        case records.VerdictFiled():
            return _verdict(state, record)
        case records.StepSettled(hotkey, stage, epoch, step):
            place = StepPlace(hotkey, stage, epoch, step)
            return replace(state, challenges=_without(state.challenges, [place]))


def _member(state: SwarmState, hotkey: str, member: Member) -> SwarmState:
    return replace(state, members={**state.members, hotkey: member})


def _stage(state: SwarmState, number: int, stage: StageEpoch) -> SwarmState:
    return replace(state, stages=(*state.stages[:number], stage, *state.stages[number + 1 :]))


def _with_change(state: SwarmState, number: int, hotkey: str, change: Change) -> SwarmState:
    stage = state.stages[number]
    return _stage(state, number, replace(stage, changes={**stage.changes, hotkey: change}))


def _without(mapping: Mapping[Key, Value], keys: Iterable[Key]) -> dict[Key, Value]:
    left = dict(mapping)
    for key in keys:
        left.pop(key, None)
    return left


def _joined(state: SwarmState, record: records.MinerJoined) -> SwarmState:
    """Who comes back has its number, its stage and what it is known to have done."""
    hotkey, seconds = record.hotkey, 1 / record.speed
    known = state.members.get(hotkey)
    if known is not None:
        done = known.done if record.kept else 0
        member = replace(known, node=record.node, present=True, holds="", done=done)
        member = replace(member, machine=record.machine)
        return replace(state, members={**state.members, hotkey: member})
    member = Member(len(state.hotkeys), record.node, record.machine, seconds)
    members = {**state.members, hotkey: member}
    return replace(state, members=members, hotkeys=(*state.hotkeys, hotkey))


def _epoch_opened(state: SwarmState, record: records.EpochOpened) -> SwarmState:
    """After a merge, what entered it is done; who signed its base holds it."""
    before = state.stages[record.stage]
    merged = record.base != before.base
    members = dict(state.members)
    entered = [h for h in before.entered if h not in record.left_out] if merged else []
    for hotkey in entered:
        done = members[hotkey].done - before.changes[hotkey].weight
        members[hotkey] = replace(members[hotkey], done=max(done, 0), merged=before.epoch)
    for hotkey, said in before.signed.items() if merged else ():
        base = said.base
        if base == record.base and members[hotkey].stage == record.stage:
            members[hotkey] = replace(members[hotkey], holds=base)
    hops = sum(before.changes[hotkey].weight for hotkey in entered)
    opened = StageEpoch(
        record.epoch,
        record.base,
        since=record.at,
        until=record.until,
        lengths=_lengths(before, record.at) if merged else before.lengths,
        merges=before.merges + merged,
    )
    stages = (*state.stages[: record.stage], opened, *state.stages[record.stage + 1 :])
    links = {hotkey: each.links for hotkey, each in before.changes.items() if each.links}
    filed = FiledEpoch(record.stage, before.epoch, state.block[0], links)
    unaudited = (*state.unaudited, filed) if filed.links else state.unaudited
    return replace(
        state,
        stages=stages,
        members=members,
        merged_hops=state.merged_hops + hops,
        unaudited=unaudited,
    )


def _lengths(stage: StageEpoch, at: int) -> Mapping[records.Phase, tuple[int, ...]]:
    """With how long the phase that ends now took."""
    known = stage.lengths.get(stage.phase, ())
    return {**stage.lengths, stage.phase: (*known, at - stage.since)[-RECENT:]}


def _phase_opened(state: SwarmState, record: records.PhaseOpened) -> SwarmState:
    stage = state.stages[record.stage]
    published = tuple(
        sorted(hotkey for hotkey, each in stage.changes.items() if each.blob and each.weight)
    )
    agreeing = record.phase == "agree"
    opened = replace(
        stage,
        phase=record.phase,
        since=record.at,
        until=record.until,
        lengths=_lengths(stage, record.at),
        voters=tuple(state.ready(record.stage)) if agreeing else stage.voters,
        entered=published if agreeing else (),
    )
    return _stage(state, record.stage, opened)


# --- routes ---------------------------------------------------------------------------------------


def _issued(state: SwarmState, record: records.RoutesIssued) -> SwarmState:
    issued = {
        record.first + place: SwarmRoute(miners, (None,) * len(miners), record.until)
        for place, miners in enumerate(record.miners)
    }
    booked = [(miner, 1, PASSES) for miners in record.miners for miner in miners]
    return replace(
        state,
        routes={**state.routes, **issued},
        next_route=record.first + len(record.miners),
        members=_booked(state, booked),
    )


def _hop_moved(state: SwarmState, record: records.HopMoved) -> SwarmState:
    route = state.routes[record.route]
    miners = list(route.miners)
    silent, miners[record.stage] = miners[record.stage], record.miner
    moved = replace(route, miners=tuple(miners), moved=True)
    booked = [(silent, -1, -PASSES), (record.miner, 1, PASSES)]
    return replace(
        state,
        routes={**state.routes, record.route: moved},
        members=_booked(state, booked),
    )


def _booked(state: SwarmState, changes: Iterable[tuple[int, int, int]]) -> dict[str, Member]:
    """Members, after routes of the book and what is owed of them have changed."""
    members = dict(state.members)
    for number, routes, passes in changes:
        hotkey = state.hotkeys[number]
        member = members[hotkey]
        members[hotkey] = replace(member, booked=member.booked + routes, owed=member.owed + passes)
    return members


def _filed(state: SwarmState, hotkey: str, receipts: Iterable[records.Receipt]) -> SwarmState:
    routes, seconds, count = dict(state.routes), state.members[hotkey].seconds, 0
    complete = []
    for receipt in receipts:
        route = routes[receipt.route]
        stage = route.miners.index(state.members[hotkey].number)
        filed = (*route.filed[:stage], receipt, *route.filed[stage + 1 :])
        routes[receipt.route] = replace(route, filed=filed)
        seconds, count = smoothed(seconds, receipt.seconds), count + 1
        if None not in filed:
            complete.append(receipt.route)
    member = state.members[hotkey]
    answered = replace(
        member, seconds=seconds, booked=member.booked - count, owed=member.owed - PASSES * count
    )
    state = replace(state, routes=routes, members={**state.members, hotkey: answered})
    return _ended(state, complete) if complete else state


def _ended(state: SwarmState, routes: Iterable[int]) -> SwarmState:
    """Routes are over: what both neighbours confirm is done, what has no answer is owed no more."""
    members, ended, doubted = dict(state.members), [*routes], set(state.doubted)
    for number in ended:
        route = state.routes[number]
        good = verified(route.filed)
        for stage, miner in enumerate(route.miners):
            hotkey = state.hotkeys[miner]
            member = members[hotkey]
            if route.filed[stage] is None:
                member = replace(member, booked=member.booked - 1, owed=member.owed - PASSES)
            elif good[stage] and member.stage == stage:
                member = replace(member, done=member.done + 1)
            members[hotkey] = member
        doubted |= {state.hotkeys[route.miners[stage]] for stage in contradicted(route.filed)}
    return replace(
        state,
        routes=_without(state.routes, ended),
        members=members,
        doubted=frozenset(doubted),
    )


# --- audits ---------------------------------------------------------------------------------------


def _challenged(state: SwarmState, record: records.StepChallenged) -> SwarmState:
    """The first challenge of an epoch's draw takes the epoch from those that wait for a beacon."""
    place = StepPlace(record.hotkey, record.stage, record.epoch, record.step)
    known = state.challenges.get(place)
    if known is not None:
        challenge = replace(known, validators=(*known.validators, record.validator))
    else:
        links = next(
            each.links[record.hotkey]
            for each in state.unaudited
            if (each.stage, each.epoch) == (record.stage, record.epoch)
        )
        machine = state.members[record.hotkey].machine
        challenge = Challenge((record.validator,), links[record.step], machine, record.until)
    return replace(state, challenges={**state.challenges, place: challenge})


def _audits_drawn(state: SwarmState, stage: int, epoch: int) -> SwarmState:
    """Its members' doubts are spent: they made their audits more."""
    drawn = [each for each in state.unaudited if (each.stage, each.epoch) == (stage, epoch)]
    left = tuple(each for each in state.unaudited if each not in drawn)
    doubted = state.doubted.difference(*(each.links for each in drawn))
    return replace(state, unaudited=left, doubted=doubted)


def _verdict(state: SwarmState, record: records.VerdictFiled) -> SwarmState:
    place = StepPlace(record.hotkey, record.stage, record.epoch, record.step)
    known = state.challenges[place]
    said = (*known.verdicts, (record.validator, record.evidence, record.replayed))
    heard = replace(known, verdicts=said)
    return replace(state, challenges={**state.challenges, place: heard})
