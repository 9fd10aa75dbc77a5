"""Runtime APIs: the questions that a chain answers with more than one stored value.

An answer has the members that the chain's description lists for its type, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from iotapretrain.chain.node import Keys
from iotapretrain.chain.runtime.types import members
from iotapretrain.chain.views.parameter_names import version_2, version_3
from iotapretrain.chain.views.storage_items import axon, backed, identity, of_subnet, of_uid, pool
from iotapretrain.rules.chain.ledger.calls.balances import PRICE
from iotapretrain.rules.chain.ledger.chain_state import ChainState, Subnet

PRICE_ONE = {"bits": 2**32}
"""One TAO for one alpha, as a fixed-point number with 32 fractional bits."""

Answer = dict[str, object]


def call(state: ChainState, api: str, method: str, arguments: Keys) -> object:
    """The answer of a runtime API; KeyError names one that this chain does not have."""
    return METHODS[api, method](state, *arguments)


def _shown(shape: str, facts: Mapping[str, object]) -> Answer:
    """Of what is known, what a struct of the description has."""
    return {name: facts[name] for name in members(shape)}


def _facts(state: ChainState, subnet: Subnet) -> Answer:
    """What is shown of a subnet as a whole. Its stake stands for both sides of a pool."""
    parameters, emission, staked = subnet.parameters, state.network.emission_per_block, pool(subnet)
    name, symbol = list(subnet.name.encode()), list(subnet.symbol.encode())
    return {
        **version_2(subnet),
        "netuid": subnet.netuid,
        "name": name,
        "subnet_name": name,
        "symbol": symbol,
        "token_symbol": symbol,
        "identity": identity(subnet),
        "subnet_identity": identity(subnet),
        "owner": subnet.owner,
        "owner_coldkey": subnet.owner,
        "owner_hotkey": subnet.owner_hotkey,
        "network_registered_at": subnet.registered_at,
        "block": state.block,
        "last_step": subnet.timing.last_step,
        "blocks_since_last_step": state.block - subnet.stepped_at,
        "emission": emission,
        "subnet_emission": emission,
        "emission_value": emission,
        "alpha_out_emission": emission,
        "alpha_in": staked,
        "alpha_out": staked,
        "tao_in": staked,
        "alpha_in_emission": 0,
        "tao_in_emission": 0,
        "pending_alpha_emission": subnet.pots.epoch_emission,
        "pending_root_emission": 0,
        "subnet_volume": 0,
        "moving_price": dict(PRICE_ONE),
        "num_uids": len(subnet.neurons),
        "subnetwork_n": len(subnet.neurons),
        "max_uids": parameters.max_allowed_uids,
        "max_allowed_uids": parameters.max_allowed_uids,
        "max_allowed_validators": parameters.max_validators,
        "burn": subnet.burn,
        "pow_registration_allowed": False,
        "scaling_law_power": 0,
        "network_modality": 0,
        "network_connect": [],
    }


def _columns(subnet: Subnet) -> Answer:
    """What is shown of every neuron, one list each."""
    neurons, standing, zeros = subnet.neurons, subnet.standing, [0] * len(subnet.neurons)
    stake = [subnet.staked(neuron.hotkey) for neuron in neurons]
    shared = zip(neurons, standing.dividends, standing.emission, strict=True)
    return {
        "hotkeys": [neuron.hotkey for neuron in neurons],
        "coldkeys": [neuron.coldkey for neuron in neurons],
        "identities": [None] * len(neurons),
        "axons": [axon(neuron) for neuron in neurons],
        "active": list(standing.active),
        "validator_permit": list(standing.permit),
        "validators": [uid for uid, permit in enumerate(standing.permit) if permit],
        "pruning_score": zeros,
        "last_update": [neuron.last_update for neuron in neurons],
        "emission": list(standing.emission),
        "dividends": list(standing.dividends),
        "incentives": list(standing.incentive),
        "consensus": list(standing.consensus),
        "trust": zeros,
        "rank": zeros,
        "block_at_registration": [neuron.registered for neuron in neurons],
        "alpha_stake": stake,
        "tao_stake": zeros,
        "total_stake": stake,
        "tao_dividends_per_hotkey": [],
        "alpha_dividends_per_hotkey": [
            (neuron.hotkey, emission) for neuron, dividend, emission in shared if dividend
        ],
    }


def _metagraph(state: ChainState, subnet: Subnet) -> Answer:
    return _shown("Metagraph", _facts(state, subnet) | _columns(subnet))


def _selective(state: ChainState, subnet: Subnet, wanted: Sequence[int]) -> Answer:
    """The same by number, and more; None where not asked for."""
    written = [
        (hotkey, list("".join(held or "" for _, held in commitment.fields).encode()))
        for hotkey, commitment in subnet.commitments.items()
    ]
    facts = {**_facts(state, subnet), **_columns(subnet), "commitments": written}
    chosen = {0, *wanted}
    return {
        name: value if number in chosen else None
        for number, (name, value) in enumerate(_shown("SelectiveMetagraph", facts).items())
    }


def _facts_as(shape: str) -> Callable[[ChainState, Subnet], Answer]:
    return lambda state, subnet: _shown(shape, _facts(state, subnet))


def _neuron_lite(subnet: Subnet, uid: int) -> Answer:
    """A neuron without its weights and bonds."""
    neuron, standing = subnet.neurons[uid], subnet.standing
    return {
        "hotkey": neuron.hotkey,
        "coldkey": neuron.coldkey,
        "uid": uid,
        "netuid": subnet.netuid,
        "active": standing.active[uid],
        "axon_info": axon(neuron),
        "prometheus_info": dict.fromkeys(members("PrometheusInfo"), 0),
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


def _neuron(subnet: Subnet, uid: int) -> Answer:
    rows = {"weights": list(subnet.weights[uid]), "bonds": list(subnet.bonds[uid])}
    return _neuron_lite(subnet, uid) | rows


def _positions(state: ChainState, coldkey: str) -> list[Answer]:
    """Everything that a coldkey has staked."""
    return [_position(subnet, hotkey, coldkey) for subnet, hotkey in backed(state, coldkey)]


def _position(subnet: Subnet, hotkey: str, coldkey: str) -> Answer:
    """What one coldkey has staked on one hotkey of one subnet, be it nothing."""
    uid = subnet.uid(hotkey)
    return {
        "hotkey": hotkey,
        "coldkey": coldkey,
        "netuid": subnet.netuid,
        "stake": subnet.stakes.get(hotkey, {}).get(coldkey, 0),
        "locked": 0,
        "emission": 0 if uid is None else subnet.standing.emission[uid],
        "tao_emission": 0,
        "drain": 0,
        "is_registered": uid is not None,
    }


def _one_position(state: ChainState, hotkey: str, coldkey: str, netuid: int) -> Answer | None:
    subnet = state.subnets.get(netuid)
    return None if subnet is None else _position(subnet, hotkey, coldkey)


def _availability(
    state: ChainState, coldkeys: Sequence[str], netuids: Sequence[int] | None
) -> dict[str, dict[int, dict[str, int]]]:
    """Stake by coldkey and subnet; nothing is ever locked."""
    shown = [
        subnet for subnet in state.subnets.values() if netuids is None or subnet.netuid in netuids
    ]
    return {
        coldkey: {subnet.netuid: _available(subnet, coldkey) for subnet in shown}
        for coldkey in coldkeys
    }


def _available(subnet: Subnet, coldkey: str) -> dict[str, int]:
    total = sum(stakers.get(coldkey, 0) for stakers in subnet.stakes.values())
    return {"total": total, "locked": 0, "available": total}


def _delegates(state: ChainState) -> list[Answer]:
    """Every hotkey that somebody has staked on."""
    backed = {hotkey for subnet in state.subnets.values() for hotkey in subnet.stakes}
    return [_delegate(state, hotkey) for hotkey in sorted(backed)]


def _delegate(state: ChainState, hotkey: str) -> Answer:
    """One hotkey and those who staked on it."""
    stakes: dict[str, list[tuple[int, int]]] = {}
    for netuid, subnet in state.subnets.items():
        for coldkey, amount in subnet.stakes.get(hotkey, {}).items():
            stakes.setdefault(coldkey, []).append((netuid, amount))
    places = {netuid: subnet.uid(hotkey) for netuid, subnet in state.subnets.items()}
    held = {netuid: uid for netuid, uid in places.items() if uid is not None}
    return {
        "delegate_ss58": hotkey,
        "take": state.network.delegate_take,
        "nominators": list(stakes.items()),
        "owner_ss58": state.owners[hotkey],
        "registrations": list(held),
        "validator_permits": [
            n for n, uid in held.items() if state.subnets[n].standing.permit[uid]
        ],
        "return_per_1000": 0,
        "total_daily_return": 0,
    }


def _delegated(state: ChainState, coldkey: str) -> list[tuple[Answer, tuple[int, int]]]:
    """The hotkeys that a coldkey has staked on, with its stake on each."""
    return [
        (_delegate(state, hotkey), (subnet.netuid, subnet.stakes[hotkey][coldkey]))
        for subnet, hotkey in backed(state, coldkey)
    ]


def _swap(_: ChainState, __: int, amount: int) -> dict[str, int]:
    """What a swap of this amount would bring: the same amount."""
    fees = {"tao_fee": 0, "alpha_fee": 0, "tao_slippage": 0, "alpha_slippage": 0}
    return {"tao_amount": amount, "alpha_amount": amount, **fees}


def _of_one(answer: Callable[..., object]) -> Callable[..., object]:
    """About the subnet that the first argument names; None where there is none."""

    def asked(state: ChainState, netuid: int, *arguments: object) -> object:
        subnet = state.subnets.get(netuid)
        return None if subnet is None else answer(state, subnet, *arguments)

    return asked


def _of_all(answer: Callable[[ChainState, Subnet], object]) -> Callable[[ChainState], object]:
    """About every subnet."""
    return lambda state: [answer(state, subnet) for _, subnet in sorted(state.subnets.items())]


def _of_uids(answer: Callable[[Subnet, int], object]) -> Callable[..., object]:
    """About every neuron of a subnet; none for no subnet."""
    every = of_subnet(lambda subnet: [answer(subnet, uid) for uid in range(len(subnet.neurons))])
    return lambda state, netuid: every(state, netuid) or []


METHODS: Mapping[tuple[str, str], Callable[..., object]] = {
    ("NeuronInfoRuntimeApi", "get_neurons_lite"): _of_uids(_neuron_lite),
    ("NeuronInfoRuntimeApi", "get_neurons"): _of_uids(_neuron),
    ("NeuronInfoRuntimeApi", "get_neuron_lite"): of_uid(_neuron_lite),
    ("NeuronInfoRuntimeApi", "get_neuron"): of_uid(_neuron),
    ("SubnetInfoRuntimeApi", "get_metagraph"): _of_one(_metagraph),
    ("SubnetInfoRuntimeApi", "get_all_metagraphs"): _of_all(_metagraph),
    ("SubnetInfoRuntimeApi", "get_selective_metagraph"): _of_one(_selective),
    ("SubnetInfoRuntimeApi", "get_dynamic_info"): _of_one(_facts_as("DynamicInfo")),
    ("SubnetInfoRuntimeApi", "get_all_dynamic_info"): _of_all(_facts_as("DynamicInfo")),
    ("SubnetInfoRuntimeApi", "get_subnet_info_v2"): _of_one(_facts_as("SubnetInfoV2")),
    ("SubnetInfoRuntimeApi", "get_subnets_info_v2"): _of_all(_facts_as("SubnetInfoV2")),
    ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3"): of_subnet(version_3),
    ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v2"): of_subnet(version_2),
    ("SubnetInfoRuntimeApi", "get_next_epoch_start_block"): of_subnet(
        lambda subnet: subnet.epoch_clock(subnet.stepped_at).next_block()
    ),
    ("SubnetInfoRuntimeApi", "get_subnet_to_prune"): lambda _: None,
    ("SubnetRegistrationRuntimeApi", "get_network_registration_cost"): lambda _: 0,
    ("StakeInfoRuntimeApi", "get_stake_info_for_coldkey"): _positions,
    ("StakeInfoRuntimeApi", "get_stake_info_for_coldkeys"): (
        lambda state, coldkeys: [(coldkey, _positions(state, coldkey)) for coldkey in coldkeys]
    ),
    ("StakeInfoRuntimeApi", "get_stake_info_for_hotkey_coldkey_netuid"): _one_position,
    ("StakeInfoRuntimeApi", "get_stake_availability_for_coldkeys"): _availability,
    ("StakeInfoRuntimeApi", "get_stake_fee"): lambda *_: 0,
    ("DelegateInfoRuntimeApi", "get_delegates"): _delegates,
    ("DelegateInfoRuntimeApi", "get_delegate"): (
        lambda state, hotkey: _delegate(state, hotkey) if hotkey in state.owners else None
    ),
    ("DelegateInfoRuntimeApi", "get_delegated"): _delegated,
    ("SwapRuntimeApi", "current_alpha_price"): lambda _, __: PRICE,
    ("SwapRuntimeApi", "current_alpha_price_all"): (
        lambda state: [{"netuid": netuid, "price": PRICE} for netuid in state.subnets]
    ),
    ("SwapRuntimeApi", "sim_swap_tao_for_alpha"): _swap,
    ("SwapRuntimeApi", "sim_swap_alpha_for_tao"): _swap,
    ("BetaBasketRuntimeApi", "get_root_basket_positions"): lambda *_: [],
    ("BetaBasketRuntimeApi", "get_root_basket_owed"): lambda *_: 0,
}
"""By API and method; each takes the state and the arguments in order."""
