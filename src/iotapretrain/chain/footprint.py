"""How much memory a state takes, roughly, so that caches of states can be bounded by bytes."""

from __future__ import annotations

from iotapretrain.rules.chain.ledger.chain_state import State, Subnet

ACCOUNT_BYTES = 256
"""An account with its address and its share of the dictionary."""

PAIR_BYTES = 120
"""One weight or bond: a pair, its numbers, and its place in the row."""

NEURON_BYTES = 512
STAKE_BYTES = 256
COMMITMENT_BYTES = 1024


def footprint(state: State) -> int:
    """Bytes of a state that shares nothing with another; most share much, so it is an upper one."""
    owned = ACCOUNT_BYTES * (len(state.accounts) + len(state.owners))
    return owned + sum(map(_subnet, state.subnets.values()))


def _subnet(subnet: Subnet) -> int:
    pairs = sum(map(len, subnet.weights)) + sum(map(len, subnet.bonds))
    stakes = sum(map(len, subnet.stakes.values()))
    return (
        PAIR_BYTES * pairs
        + NEURON_BYTES * len(subnet.neurons)
        + STAKE_BYTES * (stakes + len(subnet.stakes))
        + COMMITMENT_BYTES * len(subnet.commitments)
    )
