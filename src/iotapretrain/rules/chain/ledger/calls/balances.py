"""Sending free TAO, and staking it one to one: there are no pools and no slippage."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, LedgerEvent, Subnet
from iotapretrain.rules.chain.ledger.money import credit, debit, reap, staked
from iotapretrain.rules.chain.ledger.transitions import CallOutcome

PRICE = 10**9
"""Rao of TAO for one whole alpha: always one TAO, since there are no pools."""


@dataclass(frozen=True, slots=True)
class AddStake:
    """Stake free TAO on a hotkey of a subnet."""

    hotkey: str
    netuid: int
    amount_staked: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        subnet = _subnet_of(state, self.netuid, self.hotkey)
        if self.amount_staked < state.network.minimum_stake:
            raise CallRefusal("AmountTooLow")
        poorer = debit(state, signer, self.amount_staked, CallRefusal("NotEnoughBalanceToStake"))
        backed = staked(subnet, self.hotkey, signer, self.amount_staked)
        happened = _moved("StakeAdded", signer, self.hotkey, self.amount_staked, self.netuid)
        return CallOutcome(poorer.with_subnet(backed), (happened,))


@dataclass(frozen=True, slots=True)
class AddStakeLimit(AddStake):
    """The same, if one alpha costs no more than the limit; the price here is always one TAO."""

    limit_price: int
    allow_partial: bool

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        if self.limit_price < PRICE:
            raise CallRefusal("SlippageTooHigh")
        return AddStake.perform(self, state, signer)


@dataclass(frozen=True, slots=True)
class RemoveStake:
    """Take stake back as free TAO; asking for more than there is takes all of it."""

    hotkey: str
    netuid: int
    amount_unstaked: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        subnet = _subnet_of(state, self.netuid, self.hotkey)
        available = subnet.stakes.get(self.hotkey, {}).get(signer, 0)
        if not available:
            raise CallRefusal("NotEnoughStakeToWithdraw")
        amount = min(self.amount_unstaked, available)
        if amount == 0 or 0 < available - amount < state.network.minimum_stake:
            raise CallRefusal("AmountTooLow")
        left = staked(subnet, self.hotkey, signer, -amount)
        happened = _moved("StakeRemoved", signer, self.hotkey, amount, self.netuid)
        return CallOutcome(credit(state, signer, amount).with_subnet(left), (happened,))


@dataclass(frozen=True, slots=True)
class RemoveStakeLimit(RemoveStake):
    """The same, if one alpha brings no less than the limit."""

    limit_price: int
    allow_partial: bool

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        if self.limit_price > PRICE:
            raise CallRefusal("SlippageTooHigh")
        return RemoveStake.perform(self, state, signer)


def _subnet_of(state: ChainState, netuid: int, hotkey: str) -> Subnet:
    """The subnet on which a hotkey that somebody owns is staked on."""
    subnet = state.subnet(netuid)
    if hotkey not in state.owners:
        raise CallRefusal("HotKeyAccountNotExists")
    return subnet


def _moved(name: str, coldkey: str, hotkey: str, amount: int, netuid: int) -> LedgerEvent:
    moved = {"coldkey": coldkey, "hotkey": hotkey, "tao": amount, "alpha": amount}
    return LedgerEvent("SubtensorModule", name, {**moved, "netuid": netuid, "fee": 0})


@dataclass(frozen=True, slots=True)
class TransferKeepAlive:
    """Send, but never so much that the sender falls below the existential deposit."""

    dest: str
    value: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        short = "NotExpendable" if state.account(signer).free >= self.value else "FundsUnavailable"
        sent = debit(state, signer, self.value, CallRefusal(short, "Token"))
        return _received(sent, signer, self.dest, self.value)


@dataclass(frozen=True, slots=True)
class TransferAllowDeath:
    """Send, and let the sender's account end if hardly anything is left on it."""

    dest: str
    value: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        return _sent(state, signer, self.dest, self.value)


@dataclass(frozen=True, slots=True)
class TransferAll:
    """Send everything, or everything but the existential deposit."""

    dest: str
    keep_alive: bool

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        kept = state.network.existential_deposit if self.keep_alive else 0
        return _sent(state, signer, self.dest, max(state.account(signer).free - kept, 0))


def _sent(state: ChainState, signer: str, dest: str, value: int) -> CallOutcome:
    if state.account(signer).free < value:
        raise CallRefusal("FundsUnavailable", "Token")
    change = _received(credit(state, signer, -value), signer, dest, value)
    return CallOutcome(reap(change.state, signer), change.events)


def _received(state: ChainState, sender: str, dest: str, value: int) -> CallOutcome:
    if state.account(dest).free + value < state.network.existential_deposit:
        raise CallRefusal("BelowMinimum", "Token")
    moved = LedgerEvent("Balances", "Transfer", {"from": sender, "to": dest, "amount": value})
    return CallOutcome(credit(state, dest, value), (moved,))
