"""A subnet's owner changes one of its hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, Subnet
from iotapretrain.rules.chain.ledger.parameters import MULTIPLIER_ONE, SUBNET_RANGES
from iotapretrain.rules.chain.ledger.transitions import CallOutcome, call
from iotapretrain.rules.chain.weight_setting import AlphaOutcome, judge_alpha_bounds

OUT_OF_BOUNDS = "ValueNotInBounds", "AdminUtils"
OWNER_RANGES: Mapping[str, tuple[int, int, tuple[str, ...]]] = {
    "tempo": (360, 50_400, ("TempoOutOfBounds",)),
    "activity_cutoff_factor": (1000, 50_000, ("ActivityCutoffFactorMilliOutOfBounds",)),
    "alpha_sigmoid_steepness": (0, 2**15 - 1, ("NegativeSigmoidSteepness", "AdminUtils")),
    "burn_increase_mult": (MULTIPLIER_ONE, 3 * MULTIPLIER_ONE, OUT_OF_BOUNDS),
}
"""Narrower for owners than what a genesis may set, and the refusals outside."""

NOT_FOR_OWNERS = frozenset({"kappa", "max_validators", "weights_rate_limit"})


@call
def set_parameter(
    state: ChainState, signer: str, name: str, netuid: int, value: int | bool
) -> CallOutcome:
    """Set the hyperparameter `name`; on the real chain there is one call for each."""
    subnet = _owned(state, netuid, signer)
    if name in NOT_FOR_OWNERS:
        raise CallRefusal("BadOrigin", None)
    _check(subnet, name, value)
    changed = _changed(subnet, {name: value})
    if name == "tempo":  # a new tempo counts from now (Yuma, section 15)
        timing = replace(subnet.timing, last_epoch_block=state.block)
        changed = replace(changed, timing=timing)
    return CallOutcome(state.with_subnet(changed))


def _check(subnet: Subnet, name: str, value: int | bool) -> None:
    if name == "max_allowed_uids" and value < len(subnet.neurons):
        raise CallRefusal("MaxAllowedUIdsLessThanCurrentUIds", "AdminUtils")
    usual = (*SUBNET_RANGES.get(name, (0, 1)), OUT_OF_BOUNDS)
    lowest, highest, refusal = OWNER_RANGES.get(name, usual)
    if not lowest <= value <= highest:
        raise CallRefusal(*refusal)


@call
def set_alpha_values(
    state: ChainState, signer: str, netuid: int, alpha_low: int, alpha_high: int
) -> CallOutcome:
    """Set both bounds of liquid alpha at once, while it is on (Yuma, section 9.3)."""
    subnet = _owned(state, netuid, signer)
    outcome = judge_alpha_bounds(
        is_owner=True,
        liquid_alpha=subnet.parameters.liquid_alpha_enabled,
        alpha_low_u16=alpha_low,
        alpha_high_u16=alpha_high,
    )
    if outcome is not AlphaOutcome.OK:
        raise CallRefusal(outcome.refusal)
    bounds = {"alpha_low": alpha_low, "alpha_high": alpha_high}
    return CallOutcome(state.with_subnet(_changed(subnet, bounds)))


def _owned(state: ChainState, netuid: int, signer: str) -> Subnet:
    if netuid not in state.subnets:
        raise CallRefusal("SubnetDoesNotExist", "AdminUtils")
    subnet = state.subnets[netuid]
    if subnet.owner != signer:
        raise CallRefusal("BadOrigin", None)
    return subnet


def _changed(subnet: Subnet, values: Mapping[str, int | bool]) -> Subnet:
    """The subnet with these hyperparameters; the price stays between its bounds."""
    bounds = {"min_burn", "max_burn"} & values.keys()
    try:
        parameters = replace(subnet.parameters, **values)  # type: ignore[arg-type]
    except ValueError as error:
        raise CallRefusal(*OUT_OF_BOUNDS) from error
    if not bounds:
        return replace(subnet, parameters=parameters)
    burn = min(max(subnet.burn, parameters.min_burn), parameters.max_burn)
    return replace(subnet, parameters=parameters, burn=burn)
