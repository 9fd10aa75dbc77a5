"""Which routes are issued now: as many as the swarm has room for, by the run's policy.

A batch's draws follow from the run and its first number, so that whoever has the log draws the same
routes. Receipts of a run's own book are all that the policy sees (`routing.py`).
"""

from __future__ import annotations

import hashlib

from iotapretrain.rules.swarm.log.swarm_records import RoutesIssued
from iotapretrain.rules.swarm.log.swarm_state import SwarmState
from iotapretrain.rules.swarm.routing import POLICIES, Router, RoutingView

BATCH = 64
"""Routes of a record at most."""
WORTH_ISSUING = 8
"""A part of what may be in flight: fewer free places wait for more, so that records stay few."""


def routes_due(state: SwarmState, at: int) -> RoutesIssued | None:
    """The next batch of routes, if there is room."""
    view = routing_view(state)
    if not all(view.members):
        return None
    router = router_for(state, state.next_route)
    limit = router.limit(view)
    room = limit - len(state.routes)
    if room < max(1, limit // WORTH_ISSUING):
        return None
    miners = []
    for _ in range(min(room, BATCH)):
        route = router.route(view).miners
        for miner in route:
            view.issue(miner)
        miners.append(route)
    until = at + state.terms.route_time
    return RoutesIssued(state.next_route, tuple(miners), until, at)


def routing_view(state: SwarmState) -> RoutingView:
    """The ready members by stage, and the book of all."""
    everybody = [state.members[hotkey] for hotkey in state.hotkeys]
    members: list[list[int]] = [[] for _ in state.stages]
    for member in everybody:
        if state.is_ready(member):
            members[member.stage or 0].append(member.number)
    slots = [state.terms.slots] * len(everybody)
    view = RoutingView(members, [member.seconds for member in everybody], slots)
    view.booked = [member.booked for member in everybody]
    view.owed = [member.owed for member in everybody]
    return view


def router_for(state: SwarmState, number: int) -> Router:
    """The run's policy, with the draws that belong to a route's number."""
    named = hashlib.sha256(f"{state.run}/{number}".encode()).digest()
    return Router(POLICIES[state.terms.policy](), int.from_bytes(named, "big"))
