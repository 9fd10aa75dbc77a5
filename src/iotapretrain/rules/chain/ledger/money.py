"""Moving rao: between accounts, into stake, out of existence; and who has any part in a chain."""

from __future__ import annotations

from dataclasses import replace

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, Subnet


def check_means(state: ChainState, address: str) -> None:
    """Refuse a stranger: an account with neither coins, stake, a uid nor a subnet.

    Where fees are, an account without coins cannot pay one, and its transaction is invalid; here
    that is the only price of room in a block. Nothing that a stranger signs could succeed but an
    empty envelope.
    """
    if state.account(address).free or any(_part(each, address) for each in state.subnets.values()):
        return
    raise RefusedError(
        "Payment", f"{address} has neither balance nor stake nor a uid; let somebody send it coins"
    )


def has_place(state: ChainState, address: str) -> bool:
    """Whether an account has a uid or a subnet, which are bought, so that nobody has many."""
    return any(
        address in (subnet.owner, subnet.owner_hotkey)
        or any(address in (neuron.hotkey, neuron.coldkey) for neuron in subnet.neurons)
        for subnet in state.subnets.values()
    )


def _part(subnet: Subnet, address: str) -> bool:
    """Whether an account has a part in a subnet."""
    return (
        address in (subnet.owner, subnet.owner_hotkey)
        or subnet.uid(address) is not None
        or any(stakers.get(address) for stakers in subnet.stakes.values())
    )


def credit(state: ChainState, address: str, amount: int) -> ChainState:
    """Add to what an address owns freely."""
    account = state.account(address)
    return state.with_account(address, replace(account, free=account.free + amount))


def debit(state: ChainState, address: str, amount: int, refusal: CallRefusal) -> ChainState:
    """Take from an address what leaves it alive, else the refusal."""
    account = state.account(address)
    if account.free - amount < state.network.existential_deposit:
        raise refusal
    return credit(state, address, -amount)


def reap(state: ChainState, address: str) -> ChainState:
    """Destroy what is left on an address if it is less than the existential deposit."""
    account = state.account(address)
    if not 0 < account.free < state.network.existential_deposit:
        return state
    emptied = state.with_account(address, replace(account, free=0))
    return replace(emptied, issuance=state.issuance - account.free)


def staked(subnet: Subnet, hotkey: str, coldkey: str, amount: int) -> Subnet:
    """The subnet with `amount` more (or less) stake of `coldkey` on `hotkey`."""
    stakers = dict(subnet.stakes.get(hotkey, {}))
    stakers[coldkey] = stakers.get(coldkey, 0) + amount
    if stakers[coldkey] == 0:
        del stakers[coldkey]
    stakes = {**subnet.stakes, hotkey: stakers}
    if not stakers:
        del stakes[hotkey]
    return replace(subnet, stakes=stakes)
