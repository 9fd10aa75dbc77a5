"""What can be set: for one subnet (its hyperparameters), and for the whole network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from iotapretrain.rules.chain.fixed_point import U16, U64
from iotapretrain.rules.chain.weight_setting import LOWEST_ALPHA

MULTIPLIER_ONE = 2**64
"""The registration price's multiplier is a fixed-point number with 64 fractional bits."""
MAX_UIDS = 4096


@dataclass(frozen=True, slots=True)
class SubnetParameters:
    """A subnet's hyperparameters, raw as the chain stores them, by the names the SDK gives them.

    Defaults are those of a new subnet (Yuma, sections 3 and 12 to 15), except that weights are set
    in the open: there is no randomness beacon here that could open a sealed row.
    """

    tempo: int = 360
    immunity_period: int = 5000
    min_non_immune: int = 10
    owner_immune_neuron_limit: int = 1
    max_allowed_uids: int = 256
    max_validators: int = 64
    kappa: int = 32767
    bonds_penalty: int = U16
    bonds_moving_avg: int = 900_000
    yuma3_enabled: bool = True
    liquid_alpha_enabled: bool = False
    alpha_low: int = 45875
    alpha_high: int = 58982
    alpha_sigmoid_steepness: int = 1000
    bonds_reset_enabled: bool = False
    activity_cutoff_factor: int = 13889
    min_allowed_weights: int = 1
    weights_version: int = 0
    weights_rate_limit: int = 100
    serving_rate_limit: int = 50
    commitment_rate_limit: int = 100
    registration_allowed: bool = True
    min_burn: int = 500_000
    max_burn: int = 100 * 10**9
    burn_half_life: int = 360
    burn_increase_mult: int = MULTIPLIER_ONE * 126 // 100
    owner_cut_enabled: bool = True

    def __post_init__(self) -> None:
        check_ranges(self, SUBNET_RANGES)
        if not self.alpha_low <= self.alpha_high:
            raise ValueError(f"alpha_low: {self.alpha_low} is above alpha_high")
        if not self.min_burn <= self.max_burn:
            raise ValueError(f"min_burn: {self.min_burn} is above max_burn")


@dataclass(frozen=True, slots=True)
class NetworkParameters:
    """What holds for every subnet; amounts in rao."""

    emission_per_block: int = 10**9
    owner_cut: int = 11796
    delegate_take: int = 11796
    stake_threshold: int = 0
    minimum_stake: int = 2_000_000
    existential_deposit: int = 500
    commitment_bytes: int = 128
    commitment_space: int = 3100

    def __post_init__(self) -> None:
        check_ranges(self, NETWORK_RANGES)


SUBNET_RANGES: Mapping[str, tuple[int, int]] = {
    "tempo": (0, U16),
    "immunity_period": (0, U16),
    "min_non_immune": (0, U16),
    "owner_immune_neuron_limit": (1, 10),
    "max_allowed_uids": (1, MAX_UIDS),
    "max_validators": (0, MAX_UIDS),
    "kappa": (0, U16),
    "bonds_penalty": (0, U16),
    "bonds_moving_avg": (0, 1_000_000),
    "alpha_low": (LOWEST_ALPHA, U16),
    "alpha_high": (LOWEST_ALPHA, U16),
    "alpha_sigmoid_steepness": (-(2**15), 2**15 - 1),
    "activity_cutoff_factor": (0, 2**32 - 1),
    "min_allowed_weights": (0, U16),
    "weights_version": (0, U64),
    "weights_rate_limit": (0, U64),
    "serving_rate_limit": (0, U64),
    "commitment_rate_limit": (0, U64),
    "min_burn": (0, U64),
    "max_burn": (0, U64),
    "burn_half_life": (1, U16),
    "burn_increase_mult": (MULTIPLIER_ONE, 2**128 - 1),
}
NETWORK_RANGES: Mapping[str, tuple[int, int]] = {
    "emission_per_block": (0, 2**53),
    "owner_cut": (0, U16),
    "delegate_take": (0, U16),
    "stake_threshold": (0, U64),
    "minimum_stake": (1, U64),
    "existential_deposit": (1, U64),
    "commitment_bytes": (1, 512),
    "commitment_space": (1, 2**32 - 1),
}


def check_ranges(
    settings: SubnetParameters | NetworkParameters, ranges: Mapping[str, tuple[int, int]]
) -> None:
    """Raise ValueError naming the first setting of the wrong type or out of its range."""
    for setting in fields(settings):
        value = getattr(settings, setting.name)
        if isinstance(value, bool) != (setting.name not in ranges) or not isinstance(value, int):
            raise ValueError(f"{setting.name}: {value!r} is no {setting.type}")
        lowest, highest = ranges.get(setting.name, (0, 1))
        if not lowest <= value <= highest:
            raise ValueError(f"{setting.name}: {value} is not in {lowest}..{highest}")
