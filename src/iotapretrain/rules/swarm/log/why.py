"""Who waits for what, until when, and what happens then: an answer for every participant."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.swarm.log.due import (
    missing_announcements,
    missing_changes,
    missing_signatures,
)
from iotapretrain.rules.swarm.log.swarm_state import Member, SwarmState


@dataclass(frozen=True)
class SwarmWait:
    """`turn` are the hotkeys that everything waits for; without them it is the orchestrator's."""

    what: str
    turn: tuple[str, ...]
    until: int
    then: str


def why(state: SwarmState, hotkey: str) -> SwarmWait:
    """What a miner waits for now."""
    member = state.members.get(hotkey)
    if member is None or not member.present:
        convicted = member is not None and member.convicted
        then = "never: it was convicted" if convicted else "it is given a stage at once"
        return SwarmWait("its request to join", (hotkey,), state.at, then)
    if member.stage is None:
        return SwarmWait("a stage", (), state.at, "it is given one when the orchestrator looks up")
    if not state.is_ready(member):
        return _fetching(state, hotkey, member)
    return _of_stage(state, member)


def _fetching(state: SwarmState, hotkey: str, member: Member) -> SwarmWait:
    stage = state.stages[member.stage or 0]
    what = f"the base of stage {member.stage}, {stage.base[:12]}, to be here"
    then = "if it says nothing for so long it has left, and may join again"
    return SwarmWait(what, (hotkey,), state.at + state.terms.silence, then)


def _of_stage(state: SwarmState, member: Member) -> SwarmWait:
    number = member.stage or 0
    stage = state.stages[number]
    if stage.phase == "announce":
        who = missing_announcements(state, number)
        return SwarmWait("announced changes", tuple(who), stage.until, "those there are published")
    if stage.phase == "publish":
        who = missing_changes(state, number)
        return SwarmWait("published changes", tuple(who), stage.until, "those there are merged")
    if stage.phase == "agree":
        who = missing_signatures(state, number)
        then = "what most have signed is the base; without a majority the last one stays"
        return SwarmWait("signatures under the next base", tuple(who), stage.until, then)
    empty = [n for n in range(len(state.stages)) if not state.ready(n)]
    if empty:
        who = [hotkey for n in empty for hotkey, _ in state.of_stage(n)]
        what = f"a ready member of stage {empty[0]}"
        return SwarmWait(what, tuple(who), state.stages[empty[0]].until, "routes are issued again")
    if member.booked:
        until = next((r.until for r in state.routes.values() if member.number in r.miners), 0)
        return SwarmWait(f"{member.booked} samples under way", (), until, "they are dropped")
    return SwarmWait("routes", (), stage.until, "its stage merges what is there")
