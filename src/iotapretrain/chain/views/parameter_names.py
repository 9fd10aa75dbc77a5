"""A subnet's hyperparameters, under the three sets of names by which they are asked for.

What belongs to proof-of-work, difficulty adjustment, pools or the root network does not exist here;
those names show the neutral values below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iotapretrain.rules.chain.emission import activity_cutoff
from iotapretrain.rules.chain.fixed_point import U16, U64
from iotapretrain.rules.chain.ledger.chain_state import Subnet

I32F32_ONE = 2**32
RHO = 10
ADJUSTMENT_INTERVAL = 360
TARGET_REGISTRATIONS = 1
REGISTRATIONS_PER_BLOCK = 1
YUMA2, YUMA3 = 2, 3

Reader = Callable[[Subnet], object]


def cutoff(subnet: Subnet) -> int:
    """Blocks after which a validator without new weights is inactive, as far as a u16 can say."""
    parameters = subnet.parameters
    return min(activity_cutoff(parameters.activity_cutoff_factor, parameters.tempo), U16)


def _parameter(name: str) -> Reader:
    return lambda subnet: getattr(subnet.parameters, name)


def _constant(value: object) -> Reader:
    return lambda _: value


STORAGE: Mapping[str, Reader] = {
    "Tempo": _parameter("tempo"),
    "Burn": lambda subnet: subnet.burn,
    "Rho": _constant(RHO),
    "Kappa": _parameter("kappa"),
    "ImmunityPeriod": _parameter("immunity_period"),
    "MinAllowedWeights": _parameter("min_allowed_weights"),
    "MaxWeightsLimit": _constant(U16),
    "MaxAllowedUids": _parameter("max_allowed_uids"),
    "MaxAllowedValidators": _parameter("max_validators"),
    "MinNonImmuneUids": _parameter("min_non_immune"),
    "ImmuneOwnerUidsLimit": _parameter("owner_immune_neuron_limit"),
    "ActivityCutoff": cutoff,
    "ActivityCutoffFactorMilli": _parameter("activity_cutoff_factor"),
    "BondsPenalty": _parameter("bonds_penalty"),
    "BondsMovingAverage": _parameter("bonds_moving_avg"),
    "BondsResetOn": _parameter("bonds_reset_enabled"),
    "Yuma3On": _parameter("yuma3_enabled"),
    "LiquidAlphaOn": _parameter("liquid_alpha_enabled"),
    "AlphaValues": lambda subnet: (subnet.parameters.alpha_low, subnet.parameters.alpha_high),
    "AlphaSigmoidSteepness": _parameter("alpha_sigmoid_steepness"),
    "WeightsVersionKey": _parameter("weights_version"),
    "WeightsSetRateLimit": _parameter("weights_rate_limit"),
    "ServingRateLimit": _parameter("serving_rate_limit"),
    "NetworkRegistrationAllowed": _parameter("registration_allowed"),
    "MinBurn": _parameter("min_burn"),
    "MaxBurn": _parameter("max_burn"),
    "BurnHalfLife": _parameter("burn_half_life"),
    "BurnIncreaseMult": lambda subnet: {"bits": subnet.parameters.burn_increase_mult},
    "OwnerCutEnabled": _parameter("owner_cut_enabled"),
    "SubnetEpochConsensus": _constant("Yuma"),
}
"""Storage items of `SubtensorModule` whose only key is the netuid."""


def version_3(subnet: Subnet) -> list[dict[str, object]]:
    """`get_subnet_hyperparams_v3`: a list of names and tagged values."""
    return [{"name": name, "value": {kind: read(subnet)}} for name, (kind, read) in _TAGGED.items()]


def version_2(subnet: Subnet) -> dict[str, object]:
    """`get_subnet_hyperparams_v2`: a struct."""
    return {name: _TAGGED[name][1](subnet) for name in _VERSION_2}


_TAGGED: Mapping[str, tuple[str, Reader]] = {
    "rho": ("U16", _constant(RHO)),
    "kappa": ("U16", _parameter("kappa")),
    "immunity_period": ("U16", _parameter("immunity_period")),
    "min_allowed_weights": ("U16", _parameter("min_allowed_weights")),
    "max_weights_limit": ("U16", _constant(U16)),
    "tempo": ("U16", _parameter("tempo")),
    "min_difficulty": ("U64", _constant(U64)),
    "max_difficulty": ("U64", _constant(U64)),
    "weights_version": ("U64", _parameter("weights_version")),
    "weights_rate_limit": ("U64", _parameter("weights_rate_limit")),
    "adjustment_interval": ("U16", _constant(ADJUSTMENT_INTERVAL)),
    "activity_cutoff": ("U16", cutoff),
    "registration_allowed": ("Bool", _parameter("registration_allowed")),
    "target_regs_per_interval": ("U16", _constant(TARGET_REGISTRATIONS)),
    "min_burn": ("U64", _parameter("min_burn")),
    "max_burn": ("U64", _parameter("max_burn")),
    "bonds_moving_avg": ("U64", _parameter("bonds_moving_avg")),
    "max_regs_per_block": ("U16", _constant(REGISTRATIONS_PER_BLOCK)),
    "serving_rate_limit": ("U64", _parameter("serving_rate_limit")),
    "max_validators": ("U16", _parameter("max_validators")),
    "adjustment_alpha": ("U64", _constant(0)),
    "difficulty": ("U64", _constant(U64)),
    "commit_reveal_period": ("U64", _constant(1)),
    "commit_reveal_weights_enabled": ("Bool", _constant(False)),
    "alpha_high": ("U16", _parameter("alpha_high")),
    "alpha_low": ("U16", _parameter("alpha_low")),
    "liquid_alpha_enabled": ("Bool", _parameter("liquid_alpha_enabled")),
    "alpha_sigmoid_steepness": (
        "I32F32",
        lambda subnet: {"bits": subnet.parameters.alpha_sigmoid_steepness * I32F32_ONE},
    ),
    "yuma_version": (
        "U16",
        lambda subnet: YUMA3 if subnet.parameters.yuma3_enabled else YUMA2,
    ),
    "subnet_is_active": ("Bool", _constant(True)),
    "transfers_enabled": ("Bool", _constant(True)),
    "bonds_reset_enabled": ("Bool", _parameter("bonds_reset_enabled")),
    "user_liquidity_enabled": ("Bool", _constant(False)),
    "epoch_consensus": ("U8", _constant(0)),
    "activity_cutoff_factor": ("U32", _parameter("activity_cutoff_factor")),
    "bonds_penalty": ("U16", _parameter("bonds_penalty")),
    "burn_half_life": ("U16", _parameter("burn_half_life")),
    "burn_increase_mult": (
        "U64F64",
        lambda subnet: {"bits": subnet.parameters.burn_increase_mult},
    ),
    "max_allowed_uids": ("U16", _parameter("max_allowed_uids")),
    "owner_immune_neuron_limit": ("U16", _parameter("owner_immune_neuron_limit")),
    "min_non_immune_uids": ("U16", _parameter("min_non_immune")),
    "yuma3_enabled": ("Bool", _parameter("yuma3_enabled")),
    "owner_cut_enabled": ("Bool", _parameter("owner_cut_enabled")),
    "commitment_rate_limit": ("U64", _parameter("commitment_rate_limit")),
}
_VERSION_2 = tuple(_TAGGED)[: tuple(_TAGGED).index("epoch_consensus")]
