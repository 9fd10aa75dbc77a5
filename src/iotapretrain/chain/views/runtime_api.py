"""Runtime APIs: the questions that a chain answers with more than one stored value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iotapretrain.chain.views import hyperparameters, metagraph, neurons, stake
from iotapretrain.chain.views.view import View
from iotapretrain.rules.ledger.state import Subnet


def call(view: View, api: str, method: str, arguments: tuple[object, ...]) -> object:
    """The answer of a runtime API; KeyError names one that this chain does not have."""
    return METHODS[api, method](view, *arguments)


def _of_subnet(answer: Callable[[Subnet], object]) -> Callable[..., object]:
    def asked(view: View, netuid: int) -> object:
        subnet = view.state.subnets.get(netuid)
        return None if subnet is None else answer(subnet)

    return asked


def _next_epoch(subnet: Subnet) -> int | None:
    return subnet.epoch_clock(subnet.stepped_at).next_block()


METHODS: Mapping[tuple[str, str], Callable[..., object]] = {
    ("NeuronInfoRuntimeApi", "get_neurons_lite"): neurons.lite,
    ("NeuronInfoRuntimeApi", "get_neurons"): neurons.full,
    ("NeuronInfoRuntimeApi", "get_neuron_lite"): neurons.one_lite,
    ("NeuronInfoRuntimeApi", "get_neuron"): neurons.one_full,
    ("SubnetInfoRuntimeApi", "get_metagraph"): metagraph.metagraph,
    ("SubnetInfoRuntimeApi", "get_all_metagraphs"): metagraph.all_metagraphs,
    ("SubnetInfoRuntimeApi", "get_selective_metagraph"): metagraph.selective,
    ("SubnetInfoRuntimeApi", "get_dynamic_info"): metagraph.dynamic_info,
    ("SubnetInfoRuntimeApi", "get_all_dynamic_info"): metagraph.all_dynamic_info,
    ("SubnetInfoRuntimeApi", "get_subnet_info_v2"): metagraph.subnet_info,
    ("SubnetInfoRuntimeApi", "get_subnets_info_v2"): metagraph.all_subnet_info,
    ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3"): _of_subnet(hyperparameters.version_3),
    ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v2"): _of_subnet(hyperparameters.version_2),
    ("SubnetInfoRuntimeApi", "get_next_epoch_start_block"): _of_subnet(_next_epoch),
    ("SubnetInfoRuntimeApi", "get_subnet_to_prune"): lambda _: None,
    ("SubnetRegistrationRuntimeApi", "get_network_registration_cost"): lambda _: 0,
    ("StakeInfoRuntimeApi", "get_stake_info_for_coldkey"): stake.positions,
    ("StakeInfoRuntimeApi", "get_stake_info_for_coldkeys"): stake.positions_of_many,
    ("StakeInfoRuntimeApi", "get_stake_info_for_hotkey_coldkey_netuid"): stake.position,
    ("StakeInfoRuntimeApi", "get_stake_availability_for_coldkeys"): stake.availability,
    ("StakeInfoRuntimeApi", "get_stake_fee"): lambda *_: 0,
    ("DelegateInfoRuntimeApi", "get_delegates"): stake.delegates,
    ("DelegateInfoRuntimeApi", "get_delegate"): stake.delegate,
    ("DelegateInfoRuntimeApi", "get_delegated"): stake.delegated,
    ("SwapRuntimeApi", "current_alpha_price"): lambda _, __: stake.PRICE,
    ("SwapRuntimeApi", "current_alpha_price_all"): stake.price_of_all,
    ("SwapRuntimeApi", "sim_swap_tao_for_alpha"): lambda _, __, amount: stake.swap(amount),
    ("SwapRuntimeApi", "sim_swap_alpha_for_tao"): lambda _, __, amount: stake.swap(amount),
    ("BetaBasketRuntimeApi", "get_root_basket_positions"): lambda *_: [],
    ("BetaBasketRuntimeApi", "get_root_basket_owed"): lambda *_: 0,
}
"""By API and method; each takes the view and the arguments in order."""
