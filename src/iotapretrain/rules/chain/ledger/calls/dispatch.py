"""Which value performs which call of the chain's metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from iotapretrain.rules.chain.ledger.calls import balances, neurons, owner_settings, weights
from iotapretrain.rules.chain.ledger.calls.commitments import set_commitment
from iotapretrain.rules.chain.ledger.chain_state import ChainState
from iotapretrain.rules.chain.ledger.parameters import SubnetParameters
from iotapretrain.rules.chain.ledger.transitions import Call, CallOutcome, refused


@dataclass(frozen=True, slots=True)
class SubmitEncrypted:
    """Carry a sealed transaction; whoever makes the block opens it and puts it in next."""

    ciphertext: str

    @property
    def sealed(self) -> bytes:
        """The ciphertext; bytes that happen to read as text are shown as text."""
        shown = self.ciphertext
        return bytes.fromhex(shown[2:]) if shown.startswith("0x") else shown.encode()

    def __call__(self, state: ChainState, signer: str) -> CallOutcome:  # noqa: ARG002 -- as every call
        return CallOutcome(state)


def make_call(pallet: str, function: str, values: tuple[Any, ...]) -> Call:
    """The call of this name with its arguments, in the order of the metadata."""
    maker = CALLS.get((pallet, function))
    return refused("CallFiltered", "System") if maker is None else maker(*values)


def _sealed_weights(*_: object) -> Call:
    """Committing and revealing weights: every subnet here takes them in the open."""
    return refused("CommitRevealDisabled")


def _parameter(name: str) -> Callable[..., Call]:
    def make(netuid: int, value: int | bool | Mapping[str, int]) -> Call:
        """A fixed-point number comes as its bits."""
        bits = value if isinstance(value, int) else value["bits"]
        return owner_settings.set_parameter(name, netuid, bits)

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
    ("Balances", "transfer_keep_alive"): balances.transfer_keep_alive,
    ("Balances", "transfer_allow_death"): balances.transfer_allow_death,
    ("Balances", "transfer_all"): balances.transfer_all,
    ("SubtensorModule", "burned_register"): neurons.burned_register,
    ("SubtensorModule", "add_stake"): balances.add_stake,
    ("SubtensorModule", "add_stake_limit"): balances.add_stake_limit,
    ("SubtensorModule", "remove_stake"): balances.remove_stake,
    ("SubtensorModule", "remove_stake_limit"): balances.remove_stake_limit,
    ("SubtensorModule", "set_weights"): weights.set_weights,
    ("SubtensorModule", "set_mechanism_weights"): weights.set_mechanism_weights,
    ("SubtensorModule", "commit_weights"): _sealed_weights,
    ("SubtensorModule", "commit_mechanism_weights"): _sealed_weights,
    ("SubtensorModule", "commit_timelocked_mechanism_weights"): _sealed_weights,
    ("SubtensorModule", "reveal_weights"): _sealed_weights,
    ("SubtensorModule", "reveal_mechanism_weights"): _sealed_weights,
    ("SubtensorModule", "serve_axon"): neurons.serve_axon,
    ("Commitments", "set_commitment"): set_commitment,
    ("MevShield", "submit_encrypted"): SubmitEncrypted,
    ("AdminUtils", "sudo_set_alpha_values"): owner_settings.set_alpha_values,
    **{
        ("AdminUtils", f"sudo_set_{_SETTERS.get(name, name)}"): _parameter(name)
        for name in _SET_ALONE
    },
}
"""By pallet and function."""
