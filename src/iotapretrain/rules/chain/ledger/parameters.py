"""What can be set: for one subnet (its hyperparameters), and for the whole network."""

from __future__ import annotations

from dataclasses import dataclass

from iotapretrain.rules.chain.fixed_point import U16, U64
from iotapretrain.rules.chain.hyperparameters import bounds_of, check_settings, within
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

    tempo: int = within(0, U16, default=360)
    immunity_period: int = within(0, U16, default=5000)
    min_non_immune: int = within(0, U16, default=10)
    owner_immune_neuron_limit: int = within(1, 10, default=1)
    max_allowed_uids: int = within(1, MAX_UIDS, default=256)
    max_validators: int = within(0, MAX_UIDS, default=64)
    kappa: int = within(0, U16, default=32767)
    bonds_penalty: int = within(0, U16, default=U16)
    bonds_moving_avg: int = within(0, 1_000_000, default=900_000)
    yuma3_enabled: bool = True
    liquid_alpha_enabled: bool = False
    alpha_low: int = within(LOWEST_ALPHA, U16, default=45875)
    alpha_high: int = within(LOWEST_ALPHA, U16, default=58982)
    alpha_sigmoid_steepness: int = within(-(2**15), 2**15 - 1, default=1000)
    bonds_reset_enabled: bool = False
    activity_cutoff_factor: int = within(0, 2**32 - 1, default=13889)
    min_allowed_weights: int = within(0, U16, default=1)
    weights_version: int = within(0, U64, default=0)
    weights_rate_limit: int = within(0, U64, default=100)
    serving_rate_limit: int = within(0, U64, default=50)
    commitment_rate_limit: int = within(0, U64, default=100)
    registration_allowed: bool = True
    min_burn: int = within(0, U64, default=500_000)
    max_burn: int = within(0, U64, default=100 * 10**9)
    burn_half_life: int = within(1, U16, default=360)
    burn_increase_mult: int = within(
        MULTIPLIER_ONE, 2**128 - 1, default=MULTIPLIER_ONE * 126 // 100
    )
    owner_cut_enabled: bool = True

    def __post_init__(self) -> None:
        check_settings(self, ValueError)
        if not self.alpha_low <= self.alpha_high:
            raise ValueError(f"alpha_low: {self.alpha_low} is above alpha_high")
        if not self.min_burn <= self.max_burn:
            raise ValueError(f"min_burn: {self.min_burn} is above max_burn")


@dataclass(frozen=True, slots=True)
class NetworkParameters:
    """What holds for every subnet; amounts in rao."""

    emission_per_block: int = within(0, 2**53, default=10**9)
    owner_cut: int = within(0, U16, default=11796)
    delegate_take: int = within(0, U16, default=11796)
    stake_threshold: int = within(0, U64, default=0)
    minimum_stake: int = within(1, U64, default=2_000_000)
    existential_deposit: int = within(1, U64, default=500)
    commitment_bytes: int = within(1, 512, default=128)
    commitment_space: int = within(1, 2**32 - 1, default=3100)

    def __post_init__(self) -> None:
        check_settings(self, ValueError)


SUBNET_RANGES = bounds_of(SubnetParameters)
NETWORK_RANGES = bounds_of(NetworkParameters)
