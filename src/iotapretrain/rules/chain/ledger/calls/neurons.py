"""Buying a uid on a subnet (Yuma, section 13), and saying where its neuron can be reached."""

from __future__ import annotations

from dataclasses import fields, replace

from iotapretrain.rules.chain.ledger.chain_state import (
    Axon,
    CallRefusal,
    ChainState,
    EpochStanding,
    Subnet,
    UidHolder,
    placed,
)
from iotapretrain.rules.chain.ledger.money import debit
from iotapretrain.rules.chain.ledger.transitions import CallOutcome, call, happened
from iotapretrain.rules.chain.registration import ReplaceableNeuron, raised, uid_to_replace

FRESH = {field.name: 0 for field in fields(EpochStanding)} | {"active": True, "permit": False}
"""How every uid begins."""


def joined(subnet: Subnet, neuron: UidHolder) -> tuple[Subnet, int]:
    """The subnet with a neuron more, or with one in another's place, and its uid."""
    if len(subnet.neurons) < subnet.parameters.max_allowed_uids:
        return _placed(subnet, neuron, len(subnet.neurons)), len(subnet.neurons)
    uid = _replaceable(subnet, neuron.registered)
    if uid is None:
        raise CallRefusal("NoNeuronIdAvailable")
    weights = tuple(  # those that pointed at the old holder stay, worth nothing
        tuple((other, 0 if other == uid else value) for other, value in row)
        for row in subnet.weights
    )
    return _placed(replace(subnet, weights=weights), neuron, uid), uid


def _replaceable(subnet: Subnet, block: int) -> int | None:
    parameters = subnet.parameters
    candidates = [
        ReplaceableNeuron(emission, neuron.registered, neuron.coldkey == subnet.owner)
        for neuron, emission in zip(subnet.neurons, subnet.standing.emission, strict=True)
    ]
    return uid_to_replace(
        candidates,
        block,
        parameters.immunity_period,
        parameters.min_non_immune,
        parameters.owner_immune_neuron_limit,
        subnet.owner_uid,
    )


def _placed(subnet: Subnet, neuron: UidHolder, uid: int) -> Subnet:
    """The neuron at a uid, with empty rows and a fresh standing."""
    columns = {
        name: placed(getattr(subnet.standing, name), uid, value) for name, value in FRESH.items()
    }
    return replace(
        subnet,
        neurons=placed(subnet.neurons, uid, neuron),
        weights=placed(subnet.weights, uid, ()),
        bonds=placed(subnet.bonds, uid, ()),
        standing=EpochStanding(**columns),
    )


IP_BITS = {4: 32, 6: 128}


@call
def serve_axon(state: ChainState, signer: str, netuid: int, *served: int) -> CallOutcome:
    """Publish an address and a port, as an `Axon` lists them; all zero says that nothing is."""
    subnet = state.subnet(netuid)
    uid = subnet.uid(signer)
    if uid is None:
        raise CallRefusal("HotKeyNotRegisteredInSubNet")
    axon = Axon(state.block, *served)
    _check_address(axon)
    neuron = subnet.neurons[uid]
    limit = subnet.parameters.serving_rate_limit
    if neuron.axon and limit and state.block - neuron.axon.block <= limit:
        raise CallRefusal("ServingRateLimitExceeded")
    neurons = placed(subnet.neurons, uid, replace(neuron, axon=axon))
    changed = state.with_subnet(replace(subnet, neurons=neurons))
    return happened(changed, "AxonServed", {"netuid": netuid, "hotkey": signer})


def _check_address(axon: Axon) -> None:
    if axon.ip_type not in IP_BITS:
        raise CallRefusal("InvalidIpType")
    if axon.ip >= 2 ** IP_BITS[axon.ip_type]:
        raise CallRefusal("InvalidIpAddress")
    if axon.port == 0:
        raise CallRefusal("InvalidPort")


@call
def burned_register(state: ChainState, signer: str, netuid: int, hotkey: str) -> CallOutcome:
    """Burn the current price for a uid; a full subnet gives up its lowest neuron for it."""
    subnet = state.subnet(netuid)
    parameters = subnet.parameters
    if not parameters.registration_allowed:
        raise CallRefusal("SubNetRegistrationDisabled")
    if subnet.uid(hotkey) is not None:
        raise CallRefusal("HotKeyAlreadyRegisteredInSubNet")
    if state.owners.get(hotkey, signer) != signer:
        raise CallRefusal("NonAssociatedColdKey")
    paid = debit(state, signer, subnet.burn, CallRefusal("NotEnoughBalanceToStake"))
    neuron = UidHolder(hotkey, signer, registered=state.block, last_update=state.block)
    grown, uid = joined(subnet, neuron)
    bounds = parameters.min_burn, parameters.max_burn
    dearer = raised(subnet.burn, parameters.burn_increase_mult, *bounds)
    registered = replace(
        paid.with_subnet(replace(grown, burn=dearer)),
        owners={**paid.owners, hotkey: signer},
        issuance=paid.issuance - subnet.burn,
    )
    event = {"netuid": netuid, "uid": uid, "hotkey": hotkey}
    return happened(registered, "NeuronRegistered", event)
