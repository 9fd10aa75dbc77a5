"""Moving rao: between accounts, into and out of stake, and out of existence."""

from __future__ import annotations

from dataclasses import replace

from iotapretrain.rules.chain.ledger.chain_state import Account, State, Subnet
from iotapretrain.rules.chain.ledger.refusal import Refusal


def credit(state: State, address: str, amount: int) -> State:
    """Add to what an address owns freely."""
    account = state.account(address)
    changed = replace(account, free=account.free + amount)
    return replace(state, accounts={**state.accounts, address: changed})


def debit(state: State, address: str, amount: int, refusal: Refusal) -> State:
    """Take from an address what leaves it alive, else the refusal."""
    account = state.account(address)
    if account.free - amount < state.network.existential_deposit:
        raise refusal
    changed = replace(account, free=account.free - amount)
    return replace(state, accounts={**state.accounts, address: changed})


def reap(state: State, address: str) -> State:
    """Destroy what is left on an address if it is less than the existential deposit."""
    account = state.account(address)
    if not 0 < account.free < state.network.existential_deposit:
        return state
    emptied = {**state.accounts, address: Account(0, account.nonce)}
    return replace(state, accounts=emptied, issuance=state.issuance - account.free)


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
