"""What participants ask for, and the records that it makes: what is known already makes none.

A request is the record that it asks for; its time is the orchestrator's. Whoever lost an answer
asks again: a repetition changes nothing, so nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.issuing import router_for, routing_view
from iotapretrain.rules.swarm.log.swarm_state import Member, StageEpoch, StepPlace, SwarmState

Request = (
    records.MinerJoined
    | records.ValidatorJoined
    | records.MinerLeft
    | records.BaseHeld
    | records.HopMoved
    | records.ReceiptsFiled
    | records.ChangeAnnounced
    | records.ChangePublished
    | records.BaseSigned
    | records.EvidenceGiven
    | records.VerdictFiled
)


def answer(state: SwarmState, asked: Request, at: int) -> list[records.SwarmRecord]:
    """The records of a request; InputError, with what to do, if it does not fit the state."""
    return list(_ANSWERS[type(asked)](state, replace(asked, at=at)))


def _join(state: SwarmState, asked: records.MinerJoined) -> Iterator[records.SwarmRecord]:
    known = state.members.get(asked.hotkey)
    if known is not None and known.convicted:
        raise InputError(f"{asked.hotkey} was convicted; join with another hotkey")
    same = known is not None and (known.node, known.machine) == (asked.node, asked.machine)
    if known is None or not same or not known.present:
        yield asked
        yield from _lost(state, asked, "began anew")


def _lost(
    state: SwarmState, asked: records.MinerJoined | records.MinerLeft, what: str
) -> Iterator[records.SwarmRecord]:
    """What it had under way comes to nothing: others need not wait for it."""
    lost = state.lost_by(asked.hotkey) if asked.hotkey in state.members else ()
    if lost:
        yield records.RoutesDropped(lost, f"{asked.hotkey} {what}", asked.at)


def _hold(state: SwarmState, asked: records.BaseHeld) -> Iterator[records.SwarmRecord]:
    member = _member(state, asked.hotkey, asked.stage)
    if member.holds != asked.base:
        yield asked


def _move(state: SwarmState, asked: records.HopMoved) -> Iterator[records.SwarmRecord]:
    """Once a route, while it is under way, and only for who sends to the hop that is silent."""
    route = state.routes.get(asked.route)
    if route is None or not 0 < asked.stage < len(route.miners):
        return
    if state.hotkeys[route.miners[asked.stage - 1]] != asked.hotkey:
        raise InputError(f"{asked.hotkey}: route {asked.route} does not go on from you there")
    waiting = route.miners[asked.stage] == asked.miner and route.filed[asked.stage] is None
    if route.moved or not waiting:
        return
    view = routing_view(state)
    if not view.members[asked.stage]:
        return
    other = router_for(state, asked.route).instead(view, asked.stage, asked.miner)
    if other is not None:
        yield replace(asked, miner=other)


def _file(state: SwarmState, asked: records.ReceiptsFiled) -> Iterator[records.SwarmRecord]:
    """Receipts of routes that are over are late, not wrong: they make no record."""
    number = state.members[asked.hotkey].number if asked.hotkey in state.members else None
    if number is None:
        raise InputError(f"{asked.hotkey} has not joined; join, then file receipts")
    new: dict[int, records.Receipt] = {}
    for receipt in asked.receipts:
        route = state.routes.get(receipt.route)
        if route is None:
            if not 0 <= receipt.route < state.next_route:
                raise InputError(f"{asked.hotkey}: route {receipt.route} was never issued")
            continue
        if number not in route.miners:
            if route.moved:
                continue
            raise InputError(f"{asked.hotkey}: route {receipt.route} does not go through you")
        if route.filed[route.miners.index(number)] is None:
            new.setdefault(receipt.route, receipt)
    if new:
        yield replace(asked, receipts=tuple(new.values()))


def _announce(state: SwarmState, asked: records.ChangeAnnounced) -> Iterator[records.SwarmRecord]:
    """While it is trained, too: by who leaves."""
    stage = _stage(state, asked.hotkey, asked.stage, asked.epoch)
    if not state.is_ready(state.members[asked.hotkey]):
        raise InputError(f"{asked.hotkey} does not hold the base of stage {asked.stage}; fetch it")
    known = stage.changes.get(asked.hotkey)
    if known is not None and known.digest == asked.change:
        return
    if known is not None or stage.phase not in ("train", "announce"):
        raise InputError(
            f"{asked.hotkey}: changes of epoch {asked.epoch} of stage {asked.stage} are closed;"
            " yours stays with you and enters the next merge"
        )
    yield asked


def _publish(state: SwarmState, asked: records.ChangePublished) -> Iterator[records.SwarmRecord]:
    stage = _stage(state, asked.hotkey, asked.stage, asked.epoch)
    change = stage.changes.get(asked.hotkey)
    if change is None or stage.phase == "agree":
        raise InputError(
            f"{asked.hotkey}: no change of yours is awaited in epoch {asked.epoch} of stage"
            f" {asked.stage}; it stays with you and enters the next merge"
        )
    if not change.blob:
        yield asked


def _sign(state: SwarmState, asked: records.BaseSigned) -> Iterator[records.SwarmRecord]:
    stage = _stage(state, asked.hotkey, asked.stage, asked.epoch)
    if stage.phase != "agree" or asked.hotkey not in stage.voters:
        raise InputError(f"{asked.hotkey} is not asked for the next base of stage {asked.stage}")
    if asked.hotkey in stage.signed and stage.signed[asked.hotkey].base != asked.base:
        raise InputError(f"{asked.hotkey} has signed another base of this epoch; that stands")
    if asked.hotkey not in stage.signed:
        yield asked


def _testify(
    state: SwarmState, asked: records.EvidenceGiven | records.VerdictFiled
) -> Iterator[records.SwarmRecord]:
    place = StepPlace(asked.hotkey, asked.stage, asked.epoch, asked.step)
    challenge = state.challenges.get(place)
    if challenge is None:
        return  # settled meanwhile
    if isinstance(asked, records.EvidenceGiven):
        if not challenge.evidence:
            yield asked
        return
    if asked.validator not in challenge.validators:
        raise InputError(f"{asked.validator} was not drawn for {place}")
    if asked.evidence != challenge.evidence:
        raise InputError(f"{asked.validator}: a verdict on other evidence of {place} than is there")
    if all(said[0] != asked.validator for said in challenge.verdicts):
        yield asked


def _member(state: SwarmState, hotkey: str, stage: int) -> Member:
    member = state.members.get(hotkey)
    if member is None or not member.present or member.stage != stage:
        raise InputError(f"{hotkey} is no member of stage {stage}; join, and see where you work")
    return member


def _stage(state: SwarmState, hotkey: str, stage: int, epoch: int) -> StageEpoch:
    _member(state, hotkey, stage)
    found = state.stages[stage]
    if found.epoch != epoch:
        raise InputError(f"stage {stage} is in epoch {found.epoch}, not {epoch}; read the log")
    return found


def _enrol(state: SwarmState, asked: records.ValidatorJoined) -> Iterator[records.SwarmRecord]:
    if state.validators.get(asked.hotkey) != asked.machine:
        yield asked


def _leave(state: SwarmState, asked: records.MinerLeft) -> Iterator[records.SwarmRecord]:
    if asked.hotkey in state.members and state.members[asked.hotkey].present:
        yield replace(asked, reason="left")
        yield from _lost(state, asked, "left")


_ANSWERS: Mapping[type, Callable[[SwarmState, Any], Iterator[records.SwarmRecord]]] = (
    MappingProxyType(
        {
            records.MinerJoined: _join,
            records.ValidatorJoined: _enrol,
            records.MinerLeft: _leave,
            records.BaseHeld: _hold,
            records.HopMoved: _move,
            records.ReceiptsFiled: _file,
            records.ChangeAnnounced: _announce,
            records.ChangePublished: _publish,
            records.BaseSigned: _sign,
            records.EvidenceGiven: _testify,
            records.VerdictFiled: _testify,
        }
    )
)
