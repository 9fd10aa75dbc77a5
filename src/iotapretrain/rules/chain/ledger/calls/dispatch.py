"""Which value performs which call of the chain's metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from iotapretrain.rules.chain.ledger.calls.balances import (
    AddStake,
    AddStakeLimit,
    RemoveStake,
    RemoveStakeLimit,
    TransferAll,
    TransferAllowDeath,
    TransferKeepAlive,
)
from iotapretrain.rules.chain.ledger.calls.commitments import SetCommitment
from iotapretrain.rules.chain.ledger.calls.neurons import BurnedRegister, ServeAxon
from iotapretrain.rules.chain.ledger.calls.owner_settings import SetAlphaValues, SetParameter
from iotapretrain.rules.chain.ledger.calls.weights import Sealed, SetMechanismWeights, SetWeights
from iotapretrain.rules.chain.ledger.chain_state import CallRefusal, ChainState
from iotapretrain.rules.chain.ledger.parameters import SubnetParameters
from iotapretrain.rules.chain.ledger.transitions import Call, CallOutcome


@dataclass(frozen=True, slots=True)
class SubmitEncrypted:
    """Carry a sealed transaction; whoever makes the block opens it and puts it in next."""

    ciphertext: str

    @property
    def sealed(self) -> bytes:
        """The ciphertext; bytes that happen to read as text are shown as text."""
        shown = self.ciphertext
        return bytes.fromhex(shown[2:]) if shown.startswith("0x") else shown.encode()

    def perform(self, state: ChainState, signer: str) -> CallOutcome:  # noqa: ARG002 -- as every call
        return CallOutcome(state)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call that this chain describes but does not perform."""

    def perform(self, state: ChainState, signer: str) -> CallOutcome:  # noqa: ARG002 -- as every call
        raise CallRefusal("CallFiltered", "System")


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
    "min_non_immune": "min_non_immune_uids",
    "max_validators": "max_allowed_validators",
    "bonds_moving_avg": "bonds_moving_average",
    "weights_version": "weights_version_key",
    "weights_rate_limit": "weights_set_rate_limit",
    "registration_allowed": "network_registration_allowed",
}
"""What the calls name otherwise than the parameters that they set."""

_SET_ALONE = {field.name for field in fields(SubnetParameters)} - {
    "alpha_low",
    "alpha_high",
    "commitment_rate_limit",
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
    **{
        ("AdminUtils", f"sudo_set_{_SETTERS.get(name, name)}"): _parameter(name)
        for name in _SET_ALONE
    },
}
"""By pallet and function."""
