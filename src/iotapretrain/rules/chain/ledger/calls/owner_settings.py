"""A subnet's owner changes one of its hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState, Subnet
from iotapretrain.rules.chain.ledger.parameters import MULTIPLIER_ONE, SUBNET_RANGES
from iotapretrain.rules.chain.ledger.transitions import CallOutcome
from iotapretrain.rules.chain.weight_setting import AlphaOutcome, judge_alpha_bounds

OWNER_RANGES: Mapping[str, tuple[int, int, CallRefusal]] = {
    "tempo": (360, 50_400, CallRefusal("TempoOutOfBounds")),
    "activity_cutoff_factor": (1000, 50_000, CallRefusal("ActivityCutoffFactorMilliOutOfBounds")),
    "alpha_sigmoid_steepness": (
        0,
        2**15 - 1,
        CallRefusal("NegativeSigmoidSteepness", "AdminUtils"),
    ),
    "burn_increase_mult": (
        MULTIPLIER_ONE,
        3 * MULTIPLIER_ONE,
        CallRefusal("ValueNotInBounds", "AdminUtils"),
    ),
}
"""Narrower for owners than what a genesis may set, and the refusals outside."""

ALPHA_REFUSALS: Mapping[AlphaOutcome, str] = {
    AlphaOutcome.LIQUID_ALPHA_DISABLED: "LiquidAlphaDisabled",
    AlphaOutcome.ALPHA_HIGH_TOO_LOW: "AlphaHighTooLow",
    AlphaOutcome.ALPHA_LOW_OUT_OF_RANGE: "AlphaLowOutOfRange",
}
NOT_FOR_OWNERS = frozenset({"kappa", "max_validators", "weights_rate_limit"})


@dataclass(frozen=True, slots=True)
class SetParameter:
    """Set the hyperparameter `name`; on the real chain there is one call for each."""

    name: str
    netuid: int
    value: int | bool

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        subnet = _owned(state, self.netuid, signer)
        if self.name in NOT_FOR_OWNERS:
            raise CallRefusal("BadOrigin", None)
        self._check(subnet)
        changed = _changed(subnet, {self.name: self.value})
        if self.name == "tempo":  # a new tempo counts from now (Yuma, section 15)
            timing = replace(subnet.timing, last_epoch_block=state.block)
            changed = replace(changed, timing=timing)
        return CallOutcome(state.with_subnet(changed))

    def _check(self, subnet: Subnet) -> None:
        if self.name == "max_allowed_uids" and self.value < len(subnet.neurons):
            raise CallRefusal("MaxAllowedUIdsLessThanCurrentUIds", "AdminUtils")
        lowest, highest, refusal = OWNER_RANGES.get(
            self.name,
            (*SUBNET_RANGES.get(self.name, (0, 1)), CallRefusal("ValueNotInBounds", "AdminUtils")),
        )
        if not lowest <= self.value <= highest:
            raise refusal


@dataclass(frozen=True, slots=True)
class SetAlphaValues:
    """Set both bounds of liquid alpha at once, while it is on (Yuma, section 9.3)."""

    netuid: int
    alpha_low: int
    alpha_high: int

    def perform(self, state: ChainState, signer: str) -> CallOutcome:
        subnet = _owned(state, self.netuid, signer)
        outcome = judge_alpha_bounds(
            is_owner=True,
            liquid_alpha=subnet.parameters.liquid_alpha_enabled,
            alpha_low_u16=self.alpha_low,
            alpha_high_u16=self.alpha_high,
        )
        if outcome is not AlphaOutcome.OK:
            raise CallRefusal(ALPHA_REFUSALS[outcome])
        bounds: dict[str, int | bool] = {
            "alpha_low": self.alpha_low,
            "alpha_high": self.alpha_high,
        }
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
        raise CallRefusal("ValueNotInBounds", "AdminUtils") from error
    if not bounds:
        return replace(subnet, parameters=parameters)
    burn = min(max(subnet.burn, parameters.min_burn), parameters.max_burn)
    return replace(subnet, parameters=parameters, burn=burn)
