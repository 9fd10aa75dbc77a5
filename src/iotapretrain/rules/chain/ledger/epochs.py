"""One epoch of one subnet: Yuma decides, and the pots are handed out (Yuma, 10, 11, 14)."""

from __future__ import annotations

from dataclasses import replace

from iotapretrain.rules.chain.ledger.chain_state import Standing, State, Subnet, Timing
from iotapretrain.rules.chain.ledger.payout import pay
from iotapretrain.rules.chain.tempo import activity_cutoff
from iotapretrain.rules.chain.yuma import EpochInputs, EpochOutcome, Hyperparameters, Rows, epoch


def run_epoch(state: State, netuid: int) -> State:
    """The state behind an epoch of this subnet at the start of the present block."""
    subnet, outcome = state.subnets[netuid], None
    if subnet.neurons:
        outcome = epoch(epoch_parameters(state, subnet), epoch_inputs(state, subnet))
        subnet = _judged(subnet, outcome)
    paid, unpaid = pay(subnet, outcome, state.network.delegate_take)
    timed = replace(paid, timing=_ran(paid.timing, state.block))
    return replace(state.with_subnet(timed), issuance=state.issuance - unpaid)


def epoch_parameters(state: State, subnet: Subnet) -> Hyperparameters:
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


def epoch_inputs(state: State, subnet: Subnet) -> EpochInputs:
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
    standing = Standing(
        active=tuple(outcome.active.tolist()),
        permit=tuple(outcome.validator_permit.tolist()),
        emission=tuple(outcome.emission.tolist()),
        stake_weight=tuple(outcome.stake_weight.tolist()),
        consensus=tuple(outcome.consensus.tolist()),
        incentive=tuple(outcome.incentive.tolist()),
        dividends=tuple(outcome.dividends.tolist()),
        trust=tuple(outcome.validator_trust.tolist()),
    )
    bonds = tuple(tuple(row) for row in outcome.bonds.to_pairs())
    return replace(subnet, standing=standing, bonds=bonds)


def _ran(timing: Timing, block: int) -> Timing:
    return Timing(
        last_epoch_block=block,
        last_step=block,
        pending_epoch_at=0,
        epoch_index=timing.epoch_index + 1,
    )
