"""Any order of what participants and time can do: what holds in every state of a run's log."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log import swarm_records as records
from iotapretrain.rules.swarm.log.due import next_deadline
from iotapretrain.rules.swarm.log.swarm_state import StepPlace, SwarmState, SwarmTerms
from iotapretrain.rules.swarm.log.why import why
from iotapretrain.rules.swarm.routing import PASSES
from tests.rules.swarm.log.played_swarm import PlayedSwarm, hash_of, refolded

HOTKEYS = ("ann", "bob", "cid", "dee", "eve", "fay")
who = st.sampled_from(HOTKEYS)


class AnyOrder(RuleBasedStateMachine):
    """Requests that fit and that do not, in any order, and time that passes."""

    def __init__(self) -> None:
        super().__init__()
        terms = SwarmTerms(stages=2, samples=2, slots=2, hop=5_000, train=60_000, audit_share=1.0)
        self.swarm = PlayedSwarm(terms)
        self.filed: set[tuple[str, int]] = set()
        self.accused: set[str] = set()
        for validator in ("val", "wes"):
            self.swarm.ask(records.ValidatorJoined(validator, "cpu", 0))
        self.swarm.begin(*HOTKEYS[:4])

    @property
    def state(self) -> SwarmState:
        return self.swarm.state

    @rule(hotkey=who, kept=st.booleans())
    def join(self, hotkey: str, kept: bool) -> None:
        with suppress(InputError):  # a convicted one
            self.swarm.join(hotkey, kept=kept)

    @rule(hotkey=who)
    def leave(self, hotkey: str) -> None:
        self.swarm.ask(records.MinerLeft(hotkey, "left", 0))

    @rule(hotkey=who, right=st.booleans())
    def hold(self, hotkey: str, right: bool) -> None:
        """Of what it may hold, and of what is no base."""
        member = self.state.members.get(hotkey)
        stage = 0 if member is None or member.stage is None else member.stage
        base = self.state.stages[stage].base if right else hash_of("no base")
        with suppress(InputError):
            self.swarm.ask(records.BaseHeld(hotkey, stage, base, 0))

    @rule(data=st.data(), honest=st.booleans())
    @precondition(lambda self: self.state.routes)
    def file(self, data: st.DataObject, honest: bool) -> None:
        route = data.draw(st.sampled_from(sorted(self.state.routes)))
        stage = data.draw(st.sampled_from((0, 1)))
        hotkey = self.state.hotkeys[self.state.routes[route].miners[stage]]
        made = self.swarm.file(hotkey, route, said="" if honest else " a lie")
        if made:
            assert (hotkey, route) not in self.filed
            self.filed.add((hotkey, route))

    @rule()
    @precondition(lambda self: self.state.routes)
    def answer_everything(self) -> None:
        self.swarm.finish_routes()

    @rule(data=st.data())
    @precondition(lambda self: self.state.routes)
    def move_hop(self, data: st.DataObject) -> None:
        route = data.draw(st.sampled_from(sorted(self.state.routes)))
        head, silent = self.state.routes[route].miners
        asking = self.state.hotkeys[data.draw(st.sampled_from((head, silent)))]
        moved = records.HopMoved(asking, route, 1, silent, 0)
        if self.state.hotkeys[head] == asking:
            self.swarm.ask(moved)
        else:
            with pytest.raises(InputError, match="does not go on from you"):
                self.swarm.ask(moved)

    @rule(hotkey=who, deed=st.sampled_from(("announce", "publish", "sign")))
    def merge(self, hotkey: str, deed: str) -> None:
        if hotkey in self.state.members and self.state.members[hotkey].stage is not None:
            with suppress(InputError):
                getattr(self.swarm, deed)(hotkey)

    @rule()
    def merge_together(self) -> None:
        for deed in ("announce", "publish", "sign"):
            for hotkey in HOTKEYS:
                self.merge(hotkey, deed)
            self.swarm.look()

    @rule()
    def all_goes_well(self) -> None:
        """Whoever is there holds its base, answers, and merges."""
        for hotkey in self.state.members:
            self.hold(hotkey, True)
        for _ in range(4):
            self.swarm.look()
            self.swarm.finish_routes()
        self.merge_together()

    @rule(data=st.data(), honest=st.booleans())
    @precondition(lambda self: self.state.challenges)
    def testify(self, data: st.DataObject, honest: bool) -> None:
        place: StepPlace = data.draw(st.sampled_from(sorted(self.state.challenges)))
        challenge = self.state.challenges[place]
        evidence = hash_of("evidence", place)
        self.swarm.ask(records.EvidenceGiven(*place, evidence, 0))
        link = challenge.link if honest else hash_of("another link")
        if not honest:
            self.accused.add(place.hotkey)
        for validator in challenge.validators:
            said = records.VerdictFiled(validator, *place, challenge.evidence or evidence, link, 0)
            self.swarm.ask(said)

    @rule(seconds=st.sampled_from((0.1, 1.0, 10.0, 61.0)), blocks=st.integers(0, 2))
    def time_passes(self, seconds: float, blocks: int) -> None:
        self.swarm.look(seconds, blocks=blocks)

    @rule(hotkey=who)
    def fall_silent(self, hotkey: str) -> None:
        if hotkey in self.state.members:
            self.swarm.look(0.1, hotkey)

    # --- what holds in every state ----------------------------------------------------------------

    @invariant()
    def the_book_is_what_is_under_way(self) -> None:
        open_hops = [
            self.state.hotkeys[miner]
            for route in self.state.routes.values()
            for miner, filed in zip(route.miners, route.filed, strict=True)
            if filed is None
        ]
        for hotkey, member in self.state.members.items():
            assert member.booked == open_hops.count(hotkey), hotkey
            assert member.owed == PASSES * member.booked
            assert member.done >= 0

    @invariant()
    def only_ready_members_are_in_new_routes_and_never_more_than_fit(self) -> None:
        assert len(self.state.routes) <= self.state.terms.slots * len(self.state.members)
        for record in self.swarm.log[-1:]:
            if isinstance(record, records.RoutesIssued):
                numbers = {miner for miners in record.miners for miner in miners}
                members = [self.state.members[self.state.hotkeys[each]] for each in numbers]
                assert all(self.state.is_ready(each) for each in members)

    @invariant()
    def nothing_waits_past_its_deadline(self) -> None:
        """What the last look could have ended is ended."""
        self.swarm.look(0)
        assert self.swarm.look(0) == []  # a second look at one moment sees nothing new
        deadline = next_deadline(self.state)
        assert deadline is None or deadline > self.swarm.at

    @invariant()
    def whoever_waits_is_told_for_what_and_until_when(self) -> None:
        for hotkey in HOTKEYS:
            wait = why(self.state, hotkey)
            assert wait.what
            assert wait.then
            assert wait.until >= self.state.at
            assert all(each in self.state.members or each == hotkey for each in wait.turn)

    @invariant()
    def nobody_is_convicted_whose_replays_gave_its_links(self) -> None:
        convicted = {hotkey for hotkey, each in self.state.members.items() if each.convicted}
        assert convicted <= self.accused

    def teardown(self) -> None:
        assert refolded(self.swarm) == self.state


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
