"""Putting TAO on a hotkey and taking it back, one to one: there are no pools and no slippage."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.chain.ledger.calls.call import Change
from iotapretrain.rules.chain.ledger.chain_state import State
from iotapretrain.rules.chain.ledger.money import credit, debit, staked
from iotapretrain.rules.chain.ledger.refusal import Event, Refusal

PRICE = 10**9
"""Rao of TAO for one whole alpha."""


@dataclass(frozen=True, slots=True)
class AddStake:
    """Stake free TAO on a hotkey of a subnet."""

    hotkey: str
    netuid: int
    amount_staked: int

    def perform(self, state: State, signer: str) -> Change:
        subnet = state.subnet(self.netuid)
        if self.hotkey not in state.owners:
            raise Refusal("HotKeyAccountNotExists")
        if self.amount_staked < state.network.minimum_stake:
            raise Refusal("AmountTooLow")
        poorer = debit(state, signer, self.amount_staked, Refusal("NotEnoughBalanceToStake"))
        backed = staked(subnet, self.hotkey, signer, self.amount_staked)
        happened = _moved("StakeAdded", signer, self.hotkey, self.amount_staked, self.netuid)
        return Change(poorer.with_subnet(backed), (happened,))


@dataclass(frozen=True, slots=True)
class AddStakeLimit:
    """The same, if one alpha costs no more than the limit; the price here is always one TAO."""

    hotkey: str
    netuid: int
    amount_staked: int
    limit_price: int
    allow_partial: bool

    def perform(self, state: State, signer: str) -> Change:
        if self.limit_price < PRICE:
            raise Refusal("SlippageTooHigh")
        return AddStake(self.hotkey, self.netuid, self.amount_staked).perform(state, signer)


@dataclass(frozen=True, slots=True)
class RemoveStake:
    """Take stake back as free TAO; asking for more than there is takes all of it."""

    hotkey: str
    netuid: int
    amount_unstaked: int

    def perform(self, state: State, signer: str) -> Change:
        subnet = state.subnet(self.netuid)
        if self.hotkey not in state.owners:
            raise Refusal("HotKeyAccountNotExists")
        available = subnet.stakes.get(self.hotkey, {}).get(signer, 0)
        if not available:
            raise Refusal("NotEnoughStakeToWithdraw")
        amount = min(self.amount_unstaked, available)
        if amount == 0 or 0 < available - amount < state.network.minimum_stake:
            raise Refusal("AmountTooLow")
        left = staked(subnet, self.hotkey, signer, -amount)
        happened = _moved("StakeRemoved", signer, self.hotkey, amount, self.netuid)
        return Change(credit(state, signer, amount).with_subnet(left), (happened,))


@dataclass(frozen=True, slots=True)
class RemoveStakeLimit:
    """The same, if one alpha brings no less than the limit."""

    hotkey: str
    netuid: int
    amount_unstaked: int
    limit_price: int
    allow_partial: bool

    def perform(self, state: State, signer: str) -> Change:
        if self.limit_price > PRICE:
            raise Refusal("SlippageTooHigh")
        return RemoveStake(self.hotkey, self.netuid, self.amount_unstaked).perform(state, signer)


def _moved(name: str, coldkey: str, hotkey: str, amount: int, netuid: int) -> Event:
    moved = {"coldkey": coldkey, "hotkey": hotkey, "tao": amount, "alpha": amount}
    return Event("SubtensorModule", name, {**moved, "netuid": netuid, "fee": 0})
