"""Setting weights (Yuma, section 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from iotapretrain.rules.chain.ledger.chain_state import (
    CallRefusal,
    ChainState,
    Subnet,
    placed,
)
from iotapretrain.rules.chain.ledger.transitions import (
    Call,
    CallOutcome,
    call,
    happened,
    refused,
)
from iotapretrain.rules.chain.weight_setting import (
    WeightsCall,
    WeightsOutcome,
    judge_weights,
    upscaled,
)

Numbers = Sequence[int]
NOBODY = -1


@call
def set_weights(
    state: ChainState, signer: str, netuid: int, dests: Numbers, weights: Numbers, version_key: int
) -> CallOutcome:
    """Replace the signer's row of weights by one in the open."""
    subnet = state.subnet(netuid)
    known = _known(state, subnet, signer)
    outcome = judge_weights(replace(known, uids=dests, values=weights, version_key=version_key))
    if outcome is not WeightsOutcome.OK:
        raise CallRefusal(outcome.refusal)
    uid = known.uid
    neuron = replace(subnet.neurons[uid], last_update=state.block)
    changed = replace(
        subnet,
        neurons=placed(subnet.neurons, uid, neuron),
        weights=placed(subnet.weights, uid, tuple(zip(dests, upscaled(weights), strict=True))),
    )
    return happened(state.with_subnet(changed), "WeightsSet", {"netuid": netuid, "uid": uid})


def _known(state: ChainState, subnet: Subnet, signer: str) -> WeightsCall:
    """What the chain knows of whoever sets weights, and of the subnet."""
    uid, parameters = subnet.uid(signer), subnet.parameters
    return WeightsCall(
        uids=(),
        values=(),
        n=len(subnet.neurons),
        uid=NOBODY if uid is None else uid,
        block=state.block,
        last_update=0 if uid is None else subnet.neurons[uid].last_update,
        stake=subnet.staked(signer),
        registered=uid is not None,
        permit=uid is not None and subnet.standing.permit[uid],
        is_owner=signer == subnet.owner_hotkey,
        stake_threshold=state.network.stake_threshold,
        network_version_key=parameters.weights_version,
        rate_limit=parameters.weights_rate_limit,
        min_allowed_weights=parameters.min_allowed_weights,
    )


def set_mechanism_weights(
    netuid: int, mecid: int, dests: Numbers, weights: Numbers, version_key: int
) -> Call:
    """The same, naming one of the subnet's mechanisms; there is only the first."""
    if mecid:
        return refused("MechanismDoesNotExist")
    return set_weights(netuid, dests, weights, version_key)
