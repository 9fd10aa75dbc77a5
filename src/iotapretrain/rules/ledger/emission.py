"""Emission: into the pots with every block, out of them with every epoch (Yuma, section 14).

Everything is paid as stake, as on the real chain. Whatever the rules pay to nobody (what rounding
loses, what would go to the owner's own miners) leaves the issuance again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from iotapretrain.rules.ledger.parameters import U16, NetworkParameters
from iotapretrain.rules.ledger.state import Neuron, Pots, Subnet

Stakes = dict[str, dict[str, int]]


def pour(network: NetworkParameters, subnet: Subnet, blocks: int) -> Pots:
    """The pots after some more blocks; each block's parts are whole rao."""
    out, pots = network.emission_per_block, subnet.pots
    cut = out * network.owner_cut // U16 if subnet.parameters.owner_cut_enabled else 0
    half = (out - cut) // 2
    return Pots(
        owner=pots.owner + blocks * cut,
        miners=pots.miners + blocks * half,
        validators=pots.validators + blocks * half,
    )


def pay(
    subnet: Subnet, servers: Sequence[int], validators: Sequence[int], take: int
) -> tuple[Subnet, int]:
    """The subnet with its pots handed out, and how many rao nobody got.

    Server amounts are paid as they are. Validator amounts are only proportions, of their own pot or,
    if no miner got anything, of both.
    """
    pots = subnet.pots
    stakes: Stakes = {hotkey: dict(stakers) for hotkey, stakers in subnet.stakes.items()}
    _add(stakes, subnet.owner_hotkey, subnet.owner, pots.owner)
    left = pots.miners + pots.validators
    for neuron, amount in zip(subnet.neurons, servers, strict=True):
        if amount and neuron.coldkey != subnet.owner and neuron.hotkey != subnet.owner_hotkey:
            _add(stakes, neuron.hotkey, neuron.coldkey, amount)
            left -= amount
    shared = pots.validators if any(servers) else left
    shared = min(shared, pots.miners + pots.validators - sum(servers))
    total = sum(validators)
    for neuron, part in zip(subnet.neurons, validators, strict=True):
        amount = shared * part // total if part else 0
        if amount:
            _reward(stakes, subnet.stakes.get(neuron.hotkey, {}), neuron, amount, take)
            left -= amount
    return replace(subnet, pots=Pots(), stakes=stakes), left


def _reward(
    stakes: Stakes, stakers: Mapping[str, int], neuron: Neuron, amount: int, take: int
) -> None:
    """The validator's owner gets its take and what rounding leaves, its stakers the rest."""
    backing = sum(stakers.values())
    to_share = amount - amount * take // U16 if backing else 0
    given = 0
    for coldkey, staked in stakers.items():
        share = to_share * staked // backing
        _add(stakes, neuron.hotkey, coldkey, share)
        given += share
    _add(stakes, neuron.hotkey, neuron.coldkey, amount - given)


def _add(stakes: Stakes, hotkey: str, coldkey: str, amount: int) -> None:
    if amount:
        stakers = stakes.setdefault(hotkey, {})
        stakers[coldkey] = stakers.get(coldkey, 0) + amount
