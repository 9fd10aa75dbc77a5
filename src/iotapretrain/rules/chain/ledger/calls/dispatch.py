"""Which value performs which call of the chain's metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from iotapretrain.rules.chain.ledger.calls.balances import (
    TransferAll,
    TransferAllowDeath,
    TransferKeepAlive,
)
from iotapretrain.rules.chain.ledger.calls.call import Call, Change
from iotapretrain.rules.chain.ledger.calls.commitments import SetCommitment
from iotapretrain.rules.chain.ledger.calls.envelope import SubmitEncrypted
from iotapretrain.rules.chain.ledger.calls.owner_settings import SetAlphaValues, SetParameter
from iotapretrain.rules.chain.ledger.calls.registration import BurnedRegister
from iotapretrain.rules.chain.ledger.calls.serving import ServeAxon
from iotapretrain.rules.chain.ledger.calls.staking import (
    AddStake,
    AddStakeLimit,
    RemoveStake,
    RemoveStakeLimit,
)
from iotapretrain.rules.chain.ledger.calls.weights import Sealed, SetMechanismWeights, SetWeights
from iotapretrain.rules.chain.ledger.chain_state import State
from iotapretrain.rules.chain.ledger.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call that this chain describes but does not perform."""

    def perform(self, state: State, signer: str) -> Change:  # noqa: ARG002 -- as every call
        raise Refusal("CallFiltered", "System")


def make_call(pallet: str, function: str, values: tuple[Any, ...]) -> Call:
    """The call of this name with its arguments, in the order of the metadata."""
    maker = CALLS.get((pallet, function))
    return Unknown() if maker is None else maker(*values)


def _parameter(name: str) -> Callable[..., Call]:
    def make(netuid: int, value: int | bool | Mapping[str, int]) -> Call:
        """A fixed-point number comes as its bits."""
        return SetParameter(name, netuid, value if isinstance(value, int) else value["bits"])

    return make


_SETTERS = {
    "tempo": "tempo",
    "immunity_period": "immunity_period",
    "min_non_immune_uids": "min_non_immune",
    "owner_immune_neuron_limit": "owner_immune_neuron_limit",
    "max_allowed_uids": "max_allowed_uids",
    "max_allowed_validators": "max_validators",
    "kappa": "kappa",
    "bonds_penalty": "bonds_penalty",
    "bonds_moving_average": "bonds_moving_avg",
    "bonds_reset_enabled": "bonds_reset_enabled",
    "yuma3_enabled": "yuma3_enabled",
    "liquid_alpha_enabled": "liquid_alpha_enabled",
    "alpha_sigmoid_steepness": "alpha_sigmoid_steepness",
    "activity_cutoff_factor": "activity_cutoff_factor",
    "min_allowed_weights": "min_allowed_weights",
    "weights_version_key": "weights_version",
    "weights_set_rate_limit": "weights_rate_limit",
    "serving_rate_limit": "serving_rate_limit",
    "network_registration_allowed": "registration_allowed",
    "min_burn": "min_burn",
    "max_burn": "max_burn",
    "burn_half_life": "burn_half_life",
    "burn_increase_mult": "burn_increase_mult",
    "owner_cut_enabled": "owner_cut_enabled",
}

CALLS: Mapping[tuple[str, str], Callable[..., Call]] = {
    ("Balances", "transfer_keep_alive"): TransferKeepAlive,
    ("Balances", "transfer_allow_death"): TransferAllowDeath,
    ("Balances", "transfer_all"): TransferAll,
    ("SubtensorModule", "burned_register"): BurnedRegister,
    ("SubtensorModule", "add_stake"): AddStake,
    ("SubtensorModule", "add_stake_limit"): AddStakeLimit,
    ("SubtensorModule", "remove_stake"): RemoveStake,
    ("SubtensorModule", "remove_stake_limit"): RemoveStakeLimit,
    ("SubtensorModule", "set_weights"): SetWeights,
    ("SubtensorModule", "set_mechanism_weights"): SetMechanismWeights,
    ("SubtensorModule", "commit_weights"): Sealed,
    ("SubtensorModule", "commit_mechanism_weights"): Sealed,
    ("SubtensorModule", "commit_timelocked_mechanism_weights"): Sealed,
    ("SubtensorModule", "reveal_weights"): Sealed,
    ("SubtensorModule", "reveal_mechanism_weights"): Sealed,
    ("SubtensorModule", "serve_axon"): ServeAxon,
    ("Commitments", "set_commitment"): SetCommitment,
    ("MevShield", "submit_encrypted"): SubmitEncrypted,
    ("AdminUtils", "sudo_set_alpha_values"): SetAlphaValues,
    **{("AdminUtils", f"sudo_set_{setter}"): _parameter(name) for setter, name in _SETTERS.items()},
}
"""By pallet and function."""
