"""One epoch of one subnet: Yuma decides, and the pots are handed out (Yuma, 10, 11, 14).

They are paid out to the rao, as stake. Whatever the rules pay to nobody (what flooring leaves, what
would go to the owner's own miners) leaves the issuance again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from iotapretrain.rules.chain.emission import Pots, activity_cutoff, payout
from iotapretrain.rules.chain.fixed_point import U16
from iotapretrain.rules.chain.ledger.chain_state import (
    ChainState,
    EpochStanding,
    Subnet,
    Timing,
    UidHolder,
)
from iotapretrain.rules.chain.yuma import EpochInputs, EpochOutcome, Hyperparameters, Rows, epoch

FOUND_AS = {"permit": "validator_permit", "trust": "validator_trust"}
"""What an epoch calls columns that are stored under other names."""

Stakes = dict[str, dict[str, int]]


def pay(subnet: Subnet, outcome: EpochOutcome | None, take: int) -> tuple[Subnet, int]:
    """The subnet with its pots handed out, and how many rao nobody got; no outcome, no neurons."""
    stakes: Stakes = {hotkey: dict(stakers) for hotkey, stakers in subnet.stakes.items()}
    _add(stakes, subnet.owner_hotkey, subnet.owner, subnet.pots.owner)
    unpaid = subnet.pots.epoch_emission
    if outcome is not None:
        owned = [
            uid
            for uid, neuron in enumerate(subnet.neurons)
            if neuron.coldkey == subnet.owner or neuron.hotkey == subnet.owner_hotkey
        ]
        paid = payout(subnet.pots, outcome, owned)
        unpaid = paid.withheld + paid.left
        validators = outcome.validator_emission
        servers = paid.neurons - validators
        for uid, neuron in enumerate(subnet.neurons):
            _add(stakes, neuron.hotkey, neuron.coldkey, int(servers[uid]))
            backing = subnet.stakes.get(neuron.hotkey, {})
            _reward(stakes, backing, neuron, int(validators[uid]), take)
    return replace(subnet, pots=Pots(), stakes=stakes), unpaid


def _reward(
    stakes: Stakes, backing: Mapping[str, int], neuron: UidHolder, amount: int, take: int
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


def run_epoch(state: ChainState, netuid: int) -> ChainState:
    """The state behind an epoch of this subnet at the start of the present block."""
    subnet, outcome = state.subnets[netuid], None
    if subnet.neurons:
        outcome = epoch(epoch_parameters(state, subnet), epoch_inputs(state, subnet))
        subnet = _judged(subnet, outcome)
    paid, unpaid = pay(subnet, outcome, state.network.delegate_take)
    timing = Timing(state.block, last_step=state.block, epoch_index=paid.timing.epoch_index + 1)
    return replace(
        state.with_subnet(replace(paid, timing=timing)), issuance=state.issuance - unpaid
    )


def epoch_parameters(state: ChainState, subnet: Subnet) -> Hyperparameters:
    """The subnet's hyperparameters as Yuma takes them (Yuma, section 3)."""
    parameters = subnet.parameters
    return Hyperparameters(
        tempo=parameters.tempo,
        activity_cutoff=activity_cutoff(parameters.activity_cutoff_factor, parameters.tempo),
        kappa_u16=parameters.kappa,
        bonds_penalty_u16=parameters.bonds_penalty,
        bonds_moving_average_ppm=parameters.bonds_moving_avg,
        max_allowed_validators=parameters.max_validators,
        stake_threshold=state.network.stake_threshold,
        yuma3=parameters.yuma3_enabled,
        liquid_alpha=parameters.liquid_alpha_enabled,
        alpha_low_u16=parameters.alpha_low,
        alpha_high_u16=parameters.alpha_high,
        alpha_sigmoid_steepness=parameters.alpha_sigmoid_steepness,
        owner_uid=subnet.owner_uid,
        commit_reveal=False,
    )


def epoch_inputs(state: ChainState, subnet: Subnet) -> EpochInputs:
    """What an epoch in the present block reads."""
    neurons = subnet.neurons
    return EpochInputs(
        block=state.block,
        last_step=subnet.timing.last_step,
        stake=[subnet.staked(neuron.hotkey) for neuron in neurons],
        permit=list(subnet.standing.permit),
        last_update=[neuron.last_update for neuron in neurons],
        registered=[neuron.registered for neuron in neurons],
        weights=Rows.from_pairs(subnet.weights),
        bonds=Rows.from_pairs(subnet.bonds),
        emission=subnet.pots.epoch_emission,
    )


def _judged(subnet: Subnet, outcome: EpochOutcome) -> Subnet:
    """The subnet with everything stored that the epoch found."""
    names = [column.name for column in fields(EpochStanding)]
    columns = {name: getattr(outcome, FOUND_AS.get(name, name)).tolist() for name in names}
    standing = EpochStanding(**{name: tuple(column) for name, column in columns.items()})
    bonds = tuple(tuple(row) for row in outcome.bonds.to_pairs())
    return replace(subnet, standing=standing, bonds=bonds)
