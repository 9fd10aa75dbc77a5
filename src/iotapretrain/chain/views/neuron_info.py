"""Neurons as `NeuronInfoRuntimeApi` shows them."""

from __future__ import annotations

from iotapretrain.chain.views.block_view import View
from iotapretrain.rules.chain.ledger.chain_state import Axon, Neuron, Subnet

NOTHING_SERVED = Axon(0, 0, 0, 0, 0, 0)
NO_PROMETHEUS = {"block": 0, "version": 0, "ip": 0, "port": 0, "ip_type": 0}


def lite(view: View, netuid: int) -> list[dict[str, object]]:
    """Every neuron of a subnet, without weights and bonds; none for no subnet."""
    subnet = view.state.subnets.get(netuid)
    return [] if subnet is None else [_lite(subnet, uid) for uid in range(len(subnet.neurons))]


def full(view: View, netuid: int) -> list[dict[str, object]]:
    """Every neuron of a subnet with its weights and bonds."""
    subnet = view.state.subnets.get(netuid)
    return [] if subnet is None else [_full(subnet, uid) for uid in range(len(subnet.neurons))]


def one_lite(view: View, netuid: int, uid: int) -> dict[str, object] | None:
    """One neuron without weights and bonds."""
    subnet = view.state.subnets.get(netuid)
    return _lite(subnet, uid) if subnet and uid < len(subnet.neurons) else None


def one_full(view: View, netuid: int, uid: int) -> dict[str, object] | None:
    """One neuron with its weights and bonds."""
    subnet = view.state.subnets.get(netuid)
    return _full(subnet, uid) if subnet and uid < len(subnet.neurons) else None


def axon(neuron: Neuron) -> dict[str, object]:
    """What a neuron serves; all zero for nothing."""
    served = neuron.axon or NOTHING_SERVED
    return {
        "block": served.block,
        "version": served.version,
        "ip": served.ip,
        "port": served.port,
        "ip_type": served.ip_type,
        "protocol": served.protocol,
        "placeholder1": served.placeholder1,
        "placeholder2": served.placeholder2,
    }


def _lite(subnet: Subnet, uid: int) -> dict[str, object]:
    neuron, standing = subnet.neurons[uid], subnet.standing
    return {
        "hotkey": neuron.hotkey,
        "coldkey": neuron.coldkey,
        "uid": uid,
        "netuid": subnet.netuid,
        "active": standing.active[uid],
        "axon_info": axon(neuron),
        "prometheus_info": dict(NO_PROMETHEUS),
        "stake": [(neuron.coldkey, subnet.staked(neuron.hotkey))],
        "rank": 0,
        "emission": standing.emission[uid],
        "incentive": standing.incentive[uid],
        "consensus": standing.consensus[uid],
        "trust": 0,
        "validator_trust": standing.trust[uid],
        "dividends": standing.dividends[uid],
        "last_update": neuron.last_update,
        "validator_permit": standing.permit[uid],
        "pruning_score": 0,
    }


def _full(subnet: Subnet, uid: int) -> dict[str, object]:
    record = _lite(subnet, uid)
    last = {"pruning_score": record.pop("pruning_score")}
    rows = {"weights": list(subnet.weights[uid]), "bonds": list(subnet.bonds[uid])}
    return {**record, **rows, **last}
