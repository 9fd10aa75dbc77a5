"""Buying a uid on a subnet (Yuma, section 13)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iotapretrain.rules.chain.ledger.calls.call import Change
from iotapretrain.rules.chain.ledger.chain_state import Neuron, State, Subnet
from iotapretrain.rules.chain.ledger.money import debit
from iotapretrain.rules.chain.ledger.refusal import Event, Refusal
from iotapretrain.rules.chain.ledger.uids import joined
from iotapretrain.rules.chain.pricing import raised


@dataclass(frozen=True, slots=True)
class BurnedRegister:
    """Burn the current price for a uid; a full subnet gives up its lowest neuron for it."""

    netuid: int
    hotkey: str

    def perform(self, state: State, signer: str) -> Change:
        subnet = state.subnet(self.netuid)
        self._check(state, subnet, signer)
        paid = debit(state, signer, subnet.burn, Refusal("NotEnoughBalanceToStake"))
        neuron = Neuron(self.hotkey, signer, registered=state.block, last_update=state.block)
        grown, uid = joined(subnet, neuron)
        registered = replace(
            paid.with_subnet(replace(grown, burn=_dearer(grown))),
            owners={**paid.owners, self.hotkey: signer},
            issuance=paid.issuance - subnet.burn,
        )
        values = {"netuid": self.netuid, "uid": uid, "hotkey": self.hotkey}
        return Change(registered, (Event("SubtensorModule", "NeuronRegistered", values),))

    def _check(self, state: State, subnet: Subnet, signer: str) -> None:
        if not subnet.parameters.registration_allowed:
            raise Refusal("SubNetRegistrationDisabled")
        if subnet.uid(self.hotkey) is not None:
            raise Refusal("HotKeyAlreadyRegisteredInSubNet")
        if state.owners.get(self.hotkey, signer) != signer:
            raise Refusal("NonAssociatedColdKey")


def _dearer(subnet: Subnet) -> int:
    """The price after a registration."""
    parameters = subnet.parameters
    return raised(
        subnet.burn, parameters.burn_increase_mult, parameters.min_burn, parameters.max_burn
    )
