"""Sending free TAO, and staking it one to one: there are no pools and no slippage."""

from __future__ import annotations

from collections.abc import Callable

from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, Subnet
from iotapretrain.rules.chain.ledger.money import credit, debit, reap, staked
from iotapretrain.rules.chain.ledger.transitions import Call, CallOutcome, call, happened, refused

PRICE = 10**9
"""Rao of TAO for one whole alpha: always one TAO, since there are no pools."""


@call
def add_stake(state: ChainState, signer: str, hotkey: str, netuid: int, amount: int) -> CallOutcome:
    """Stake free TAO on a hotkey of a subnet."""
    subnet = _subnet_of(state, netuid, hotkey)
    if amount < state.network.minimum_stake:
        raise CallRefusal("AmountTooLow")
    poorer = debit(state, signer, amount, CallRefusal("NotEnoughBalanceToStake"))
    backed = poorer.with_subnet(staked(subnet, hotkey, signer, amount))
    return happened(backed, "StakeAdded", _moved(signer, hotkey, amount, netuid))


@call
def remove_stake(
    state: ChainState, signer: str, hotkey: str, netuid: int, asked: int
) -> CallOutcome:
    """Take stake back as free TAO; asking for more than there is takes all of it."""
    subnet = _subnet_of(state, netuid, hotkey)
    available = subnet.stakes.get(hotkey, {}).get(signer, 0)
    if not available:
        raise CallRefusal("NotEnoughStakeToWithdraw")
    amount = min(asked, available)
    if amount == 0 or 0 < available - amount < state.network.minimum_stake:
        raise CallRefusal("AmountTooLow")
    left = credit(state, signer, amount).with_subnet(staked(subnet, hotkey, signer, -amount))
    return happened(left, "StakeRemoved", _moved(signer, hotkey, amount, netuid))


def _within_limit(
    make: Callable[[str, int, int], Call], allows: Callable[[int], bool]
) -> Callable[[str, int, int, int, bool], Call]:
    """The same, if the caller allows the price of one alpha; nothing is ever partial."""

    def limited(hotkey: str, netuid: int, amount: int, price: int, _partial: bool) -> Call:
        return make(hotkey, netuid, amount) if allows(price) else refused("SlippageTooHigh")

    return limited


add_stake_limit = _within_limit(add_stake, lambda most: most >= PRICE)
remove_stake_limit = _within_limit(remove_stake, lambda least: least <= PRICE)


def _subnet_of(state: ChainState, netuid: int, hotkey: str) -> Subnet:
    """The subnet on which a hotkey that somebody owns is staked on."""
    subnet = state.subnet(netuid)
    if hotkey not in state.owners:
        raise CallRefusal("HotKeyAccountNotExists")
    return subnet


def _moved(coldkey: str, hotkey: str, amount: int, netuid: int) -> dict[str, object]:
    moved = {"coldkey": coldkey, "hotkey": hotkey, "tao": amount, "alpha": amount}
    return {**moved, "netuid": netuid, "fee": 0}


@call
def transfer_keep_alive(state: ChainState, signer: str, dest: str, value: int) -> CallOutcome:
    """Send, but never so much that the sender falls below the existential deposit."""
    short = "NotExpendable" if state.account(signer).free >= value else "FundsUnavailable"
    sent = debit(state, signer, value, CallRefusal(short, "Token"))
    return _received(sent, signer, dest, value)


@call
def transfer_allow_death(state: ChainState, signer: str, dest: str, value: int) -> CallOutcome:
    """Send, and let the sender's account end if hardly anything is left on it."""
    if state.account(signer).free < value:
        raise CallRefusal("FundsUnavailable", "Token")
    change = _received(credit(state, signer, -value), signer, dest, value)
    return CallOutcome(reap(change.state, signer), change.events)


@call
def transfer_all(state: ChainState, signer: str, dest: str, keep_alive: bool) -> CallOutcome:
    """Send everything, or everything but the existential deposit."""
    kept = state.network.existential_deposit if keep_alive else 0
    value = max(state.account(signer).free - kept, 0)
    return transfer_allow_death(dest, value)(state, signer)


def _received(state: ChainState, sender: str, dest: str, value: int) -> CallOutcome:
    if state.account(dest).free + value < state.network.existential_deposit:
        raise CallRefusal("BelowMinimum", "Token")
    moved = {"from": sender, "to": dest, "amount": value}
    return happened(credit(state, dest, value), "Transfer", moved, "Balances")
