"""Paying the pots out, to the rao, as stake (Yuma, section 14).

Whatever the rules pay to nobody (what flooring leaves, what would go to the owner's own miners)
leaves the issuance again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from iotapretrain.rules.chain.emission import Pots, payout
from iotapretrain.rules.chain.ledger.chain_state import Neuron, Subnet
from iotapretrain.rules.chain.ledger.parameters import U16
from iotapretrain.rules.chain.yuma import EpochOutcome

Stakes = dict[str, dict[str, int]]


def pay(subnet: Subnet, outcome: EpochOutcome | None, take: int) -> tuple[Subnet, int]:
    """The subnet with its pots handed out, and how many rao nobody got; no outcome, no neurons."""
    stakes: Stakes = {hotkey: dict(stakers) for hotkey, stakers in subnet.stakes.items()}
    _add(stakes, subnet.owner_hotkey, subnet.owner, subnet.pots.owner)
    unpaid = subnet.pots.epoch_emission
    if outcome is not None:
        paid = payout(subnet.pots, outcome, _of_owner(subnet))
        unpaid = paid.withheld + paid.left
        validators = outcome.validator_emission
        servers = paid.neurons - validators
        for uid, neuron in enumerate(subnet.neurons):
            _add(stakes, neuron.hotkey, neuron.coldkey, int(servers[uid]))
            backing = subnet.stakes.get(neuron.hotkey, {})
            _reward(stakes, backing, neuron, int(validators[uid]), take)
    return replace(subnet, pots=Pots(), stakes=stakes), unpaid


def _of_owner(subnet: Subnet) -> list[int]:
    return [
        uid
        for uid, neuron in enumerate(subnet.neurons)
        if neuron.coldkey == subnet.owner or neuron.hotkey == subnet.owner_hotkey
    ]


def _reward(
    stakes: Stakes, backing: Mapping[str, int], neuron: Neuron, amount: int, take: int
) -> None:
    """The validator's owner gets its take and what rounding leaves, its stakers the rest."""
    if not amount:
        return
    total = sum(backing.values())
    to_share = amount - amount * take // U16 if total else 0
    for coldkey, staked in backing.items():
        share = to_share * staked // total
        _add(stakes, neuron.hotkey, coldkey, share)
        amount -= share
    _add(stakes, neuron.hotkey, neuron.coldkey, amount)


def _add(stakes: Stakes, hotkey: str, coldkey: str, amount: int) -> None:
    if amount:
        stakers = stakes.setdefault(hotkey, {})
        stakers[coldkey] = stakers.get(coldkey, 0) + amount
