"""Coins: whatever is done, in whatever order, every rao is somewhere, and nobody is in debt."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from iotapretrain.rules.chain.ledger.advance import advance
from iotapretrain.rules.chain.ledger.calls.balances import (
    add_stake,
    remove_stake,
    transfer_all,
    transfer_allow_death,
    transfer_keep_alive,
)
from iotapretrain.rules.chain.ledger.calls.neurons import burned_register
from iotapretrain.rules.chain.ledger.calls.weights import set_weights
from iotapretrain.rules.chain.ledger.chain_state import held
from iotapretrain.rules.chain.ledger.transitions import Call
from tests.rules.chain.ledger.people import HOTKEYS, PEOPLE, RAO, beginning, send

WHO = st.sampled_from(range(len(PEOPLE)))
AMOUNTS = st.one_of(st.integers(0, 101 * RAO), st.integers(0, 10_000), st.just(2**64 - 1))
ROWS = st.dictionaries(st.integers(0, 4), st.integers(0, 65_535), max_size=4)


class Coins(RuleBasedStateMachine):
    """Random lives of a small chain."""

    @initialize(
        yuma3=st.booleans(),
        owner_cut=st.booleans(),
        liquid=st.booleans(),
        tempo=st.sampled_from([1, 3, 10]),
    )
    def begin(self, yuma3: bool, owner_cut: bool, liquid: bool, tempo: int) -> None:
        self.state = beginning(
            yuma3_enabled=yuma3,
            owner_cut_enabled=owner_cut,
            liquid_alpha_enabled=liquid,
            tempo=tempo,
            weights_rate_limit=0,
        )

    def send(self, signer: str, call: Call) -> None:
        self.state = send(self.state, signer, call).state

    @rule(blocks=st.integers(1, 25))
    def wait(self, blocks: int) -> None:
        self.state = advance(self.state, self.state.block + blocks)

    @rule(
        who=WHO,
        to=WHO,
        amount=AMOUNTS,
        kind=st.sampled_from([transfer_keep_alive, transfer_allow_death]),
    )
    def transfer(self, who: int, to: int, amount: int, kind: Any) -> None:
        self.send(PEOPLE[who], kind(PEOPLE[to], amount))

    @rule(who=WHO, to=WHO, keep_alive=st.booleans())
    def empty(self, who: int, to: int, keep_alive: bool) -> None:
        self.send(PEOPLE[who], transfer_all(PEOPLE[to], keep_alive))

    @rule(who=WHO)
    def register(self, who: int) -> None:
        self.send(PEOPLE[who], burned_register(1, HOTKEYS[who]))

    @rule(who=WHO, on=WHO, amount=AMOUNTS)
    def stake(self, who: int, on: int, amount: int) -> None:
        self.send(PEOPLE[who], add_stake(HOTKEYS[on], 1, amount))

    @rule(who=WHO, on=WHO, amount=AMOUNTS)
    def unstake(self, who: int, on: int, amount: int) -> None:
        self.send(PEOPLE[who], remove_stake(HOTKEYS[on], 1, amount))

    @rule(who=WHO, row=ROWS)
    def weigh(self, who: int, row: dict[int, int]) -> None:
        self.send(HOTKEYS[who], set_weights(1, list(row), list(row.values()), 0))

    @invariant()
    def every_rao_is_somewhere(self) -> None:
        state = getattr(self, "state", None)
        if state is not None:
            assert held(state) == state.issuance

    @invariant()
    def nobody_is_in_debt(self) -> None:
        state = getattr(self, "state", None)
        if state is not None:
            assert all(account.free >= 0 for account in state.accounts.values())
            amounts = [a for s in state.subnets[1].stakes.values() for a in s.values()]
            assert all(amount > 0 for amount in amounts)


Coins.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCoins = Coins.TestCase


def test_an_epoch_splits_emission_between_owner_miners_and_validators() -> None:
    state = beginning(max_allowed_uids=8, tempo=10)
    for number in (1, 2, 3, 4):
        state = send(state, PEOPLE[number], burned_register(1, HOTKEYS[number])).state
    state = advance(state, 10)
    for number in (1, 2):
        state = send(state, HOTKEYS[number], set_weights(1, [2, 3], [1, 1], 0)).state
    before, after = state.subnets[1], advance(state, 20).subnets[1]

    def earned(number: int) -> int:
        return after.staked(HOTKEYS[number]) - before.staked(HOTKEYS[number])

    assert earned(0) == 10 * (RAO * 11796 // 65535)
    for miner in (3, 4):
        assert abs(earned(miner) - 10 * RAO * 0.41 / 2) < 10 * RAO * 1e-4
    assert abs(earned(1) - 2 * earned(2)) < 10 * RAO * 1e-4
    total = sum(map(earned, range(5)))
    assert 10 * RAO - total < 10 * RAO * 1e-4
    assert total <= 10 * RAO


def test_the_owners_own_miners_are_not_paid() -> None:
    state = beginning(max_allowed_uids=8, tempo=10)
    for number in (0, 1, 2):
        state = send(state, PEOPLE[number], burned_register(1, HOTKEYS[number])).state
    state = advance(state, 10)
    state = send(state, HOTKEYS[1], set_weights(1, [0], [1], 0)).state
    state = send(state, HOTKEYS[2], set_weights(1, [0], [1], 0)).state
    after = advance(state, 20)
    subnet = after.subnets[1]
    assert subnet.standing.incentive[0] > 60_000
    cut = 10 * (RAO * 11796 // 65535)
    assert subnet.staked("hot0") - state.subnets[1].staked("hot0") == cut
    assert held(after) == after.issuance
