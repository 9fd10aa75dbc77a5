"""A subnet's hyperparameters, under the three sets of names by which they are asked for.

What belongs to proof-of-work, difficulty adjustment, pools or the root network does not exist here;
those names show the neutral values below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import NamedTuple

from iotapretrain.rules.chain.emission import activity_cutoff
from iotapretrain.rules.chain.fixed_point import U16, U64
from iotapretrain.rules.chain.ledger.chain_state import Subnet

STEEPNESS_ONE = 2**32
YUMA2, YUMA3 = 2, 3

Reader = Callable[[Subnet], object]


def cutoff(subnet: Subnet) -> int:
    """Blocks after which a validator without new weights is inactive, as far as a u16 can say."""
    parameters = subnet.parameters
    return min(activity_cutoff(parameters.activity_cutoff_factor, parameters.tempo), U16)


def _parameter(name: str) -> Reader:
    return attrgetter(f"parameters.{name}")


def _constant(value: object) -> Reader:
    return lambda _: value


def _steepness(subnet: Subnet) -> object:
    return {"bits": subnet.parameters.alpha_sigmoid_steepness * STEEPNESS_ONE}


def _yuma_version(subnet: Subnet) -> object:
    return YUMA3 if subnet.parameters.yuma3_enabled else YUMA2


def _burn_increase(subnet: Subnet) -> object:
    return {"bits": subnet.parameters.burn_increase_mult}


class Shown(NamedTuple):
    """How a hyperparameter is shown: its tag, its storage item if it has one, and its value.

    Without a reader it is the parameter of the same name.
    """

    kind: str
    item: str | None = None
    reader: Reader | None = None


VERSION_2: Mapping[str, Shown] = {
    "rho": Shown("U16", "Rho", _constant(10)),
    "kappa": Shown("U16", "Kappa"),
    "immunity_period": Shown("U16", "ImmunityPeriod"),
    "min_allowed_weights": Shown("U16", "MinAllowedWeights"),
    "max_weights_limit": Shown("U16", "MaxWeightsLimit", _constant(U16)),
    "tempo": Shown("U16", "Tempo"),
    "min_difficulty": Shown("U64", None, _constant(U64)),
    "max_difficulty": Shown("U64", None, _constant(U64)),
    "weights_version": Shown("U64", "WeightsVersionKey"),
    "weights_rate_limit": Shown("U64", "WeightsSetRateLimit"),
    "adjustment_interval": Shown("U16", None, _constant(360)),
    "activity_cutoff": Shown("U16", "ActivityCutoff", cutoff),
    "registration_allowed": Shown("Bool", "NetworkRegistrationAllowed"),
    "target_regs_per_interval": Shown("U16", None, _constant(1)),
    "min_burn": Shown("U64", "MinBurn"),
    "max_burn": Shown("U64", "MaxBurn"),
    "bonds_moving_avg": Shown("U64", "BondsMovingAverage"),
    "max_regs_per_block": Shown("U16", None, _constant(1)),
    "serving_rate_limit": Shown("U64", "ServingRateLimit"),
    "max_validators": Shown("U16", "MaxAllowedValidators"),
    "adjustment_alpha": Shown("U64", None, _constant(0)),
    "difficulty": Shown("U64", None, _constant(U64)),
    "commit_reveal_period": Shown("U64", None, _constant(1)),
    "commit_reveal_weights_enabled": Shown("Bool", None, _constant(False)),
    "alpha_high": Shown("U16"),
    "alpha_low": Shown("U16"),
    "liquid_alpha_enabled": Shown("Bool", "LiquidAlphaOn"),
    "alpha_sigmoid_steepness": Shown("I32F32", None, _steepness),
    "yuma_version": Shown("U16", None, _yuma_version),
    "subnet_is_active": Shown("Bool", None, _constant(True)),
    "transfers_enabled": Shown("Bool", None, _constant(True)),
    "bonds_reset_enabled": Shown("Bool", "BondsResetOn"),
    "user_liquidity_enabled": Shown("Bool", None, _constant(False)),
}
"""By the names of `get_subnet_hyperparams_v2`, which answers with a struct."""

VERSION_3: Mapping[str, Shown] = {
    **VERSION_2,
    "epoch_consensus": Shown("U8", None, _constant(0)),
    "activity_cutoff_factor": Shown("U32", "ActivityCutoffFactorMilli"),
    "bonds_penalty": Shown("U16", "BondsPenalty"),
    "burn_half_life": Shown("U16", "BurnHalfLife"),
    "burn_increase_mult": Shown("U64F64", "BurnIncreaseMult", _burn_increase),
    "max_allowed_uids": Shown("U16", "MaxAllowedUids"),
    "owner_immune_neuron_limit": Shown("U16", "ImmuneOwnerUidsLimit"),
    "min_non_immune_uids": Shown("U16", "MinNonImmuneUids", _parameter("min_non_immune")),
    "yuma3_enabled": Shown("Bool", "Yuma3On"),
    "owner_cut_enabled": Shown("Bool", "OwnerCutEnabled"),
    "commitment_rate_limit": Shown("U64"),
}
"""By the names of `get_subnet_hyperparams_v3`, which answers with tagged values."""

_READERS = {name: shown.reader or _parameter(name) for name, shown in VERSION_3.items()}

STORAGE: Mapping[str, Reader] = {
    **{shown.item: _READERS[name] for name, shown in VERSION_3.items() if shown.item},
    "Burn": attrgetter("burn"),
    "AlphaValues": attrgetter("parameters.alpha_low", "parameters.alpha_high"),
    "AlphaSigmoidSteepness": _parameter("alpha_sigmoid_steepness"),
    "SubnetEpochConsensus": _constant("Yuma"),
}
"""Storage items of `SubtensorModule` whose only key is the netuid."""


def version_3(subnet: Subnet) -> list[dict[str, object]]:
    """`get_subnet_hyperparams_v3`: a list of names and tagged values."""
    return [
        {"name": name, "value": {shown.kind: _READERS[name](subnet)}}
        for name, shown in VERSION_3.items()
    ]


def version_2(subnet: Subnet) -> dict[str, object]:
    """`get_subnet_hyperparams_v2`: a struct."""
    return {name: _READERS[name](subnet) for name in VERSION_2}
