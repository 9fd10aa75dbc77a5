"""Taking a uid: a new one at the end, or one whose holder goes (Yuma, section 13)."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

from iotapretrain.rules.chain.ledger.chain_state import Neuron, Row, Standing, Subnet
from iotapretrain.rules.chain.ledger.refusal import Refusal
from iotapretrain.rules.chain.pruning import Candidate, uid_to_replace

Value = TypeVar("Value")

FRESH = Standing((True,), (False,), (0,), (0,), (0,), (0,), (0,), (0,))
"""How every uid begins."""


def joined(subnet: Subnet, neuron: Neuron) -> tuple[Subnet, int]:
    """The subnet with a neuron more, or with one in another's place, and its uid."""
    if len(subnet.neurons) < subnet.parameters.max_allowed_uids:
        return _placed(subnet, neuron, len(subnet.neurons)), len(subnet.neurons)
    uid = _replaceable(subnet, neuron.registered)
    if uid is None:
        raise Refusal("NoNeuronIdAvailable")
    weights = tuple(_zeroed(row, uid) for row in subnet.weights)
    return _placed(replace(subnet, weights=weights), neuron, uid), uid


def _replaceable(subnet: Subnet, block: int) -> int | None:
    parameters = subnet.parameters
    candidates = [
        Candidate(emission, neuron.registered, neuron.coldkey == subnet.owner)
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


def _placed(subnet: Subnet, neuron: Neuron, uid: int) -> Subnet:
    """The neuron at a uid, with empty rows and a fresh standing."""
    columns = {
        column.name: _at(getattr(subnet.standing, column.name), getattr(FRESH, column.name), uid)
        for column in fields(Standing)
    }
    return replace(
        subnet,
        neurons=_at(subnet.neurons, (neuron,), uid),
        weights=_at(subnet.weights, ((),), uid),
        bonds=_at(subnet.bonds, ((),), uid),
        standing=Standing(**columns),
    )


def _at(column: tuple[Value, ...], value: tuple[Value], uid: int) -> tuple[Value, ...]:
    return (*column[:uid], *value, *column[uid + 1 :])


def _zeroed(row: Row, uid: int) -> Row:
    """Weights that pointed at the old holder stay, worth nothing."""
    return tuple((other, 0 if other == uid else value) for other, value in row)
