"""What an epoch of an embedded chain read, as the document that `iota rules explain` takes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.errors import InputError
from iotapretrain.rules.chain.ledger.advance import passed
from iotapretrain.rules.chain.ledger.epochs import epoch_inputs, epoch_parameters


def epoch_document(chain: EmbeddedChain, netuid: int, block: int | None = None) -> dict[str, Any]:
    """The inputs of the epoch that a subnet ran in a block, by default of its last one."""
    head = chain.head()
    at = head if block is None else block
    if not 0 <= at <= head or netuid not in chain.state(at).subnets:
        raise InputError(f"subnet {netuid} at block {at}: there is none; the head is {head}")
    ran = chain.state(at).subnets[netuid].timing.last_step
    if ran == 0 or block not in (None, ran):
        raise InputError(f"subnet {netuid}: it ran no epoch in block {at}")
    state = passed(chain.state(ran - 1), ran)
    subnet = state.subnets[netuid]
    read = epoch_inputs(state, subnet)
    return {
        "kind": "yuma",
        "stake": read.stake.tolist(),
        "weights": read.weights.to_pairs(),
        "hyperparameters": asdict(epoch_parameters(state, subnet)),
        "bonds": read.bonds.to_pairs(),
        "permit": read.permit.tolist(),
        "last_update": read.last_update.tolist(),
        "registered": read.registered.tolist(),
        "block": read.block,
        "last_step": read.last_step,
        "emission": read.emission,
    }
