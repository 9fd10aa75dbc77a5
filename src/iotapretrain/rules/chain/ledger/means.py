"""Who may put an extrinsic into a chain that keeps failed ones without a fee."""

from __future__ import annotations

from iotapretrain.errors import RefusedError
from iotapretrain.rules.chain.ledger.chain_state import State, Subnet


def check_means(state: State, address: str) -> None:
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


def has_place(state: State, address: str) -> bool:
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
