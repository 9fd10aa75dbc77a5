"""Runtime APIs: the questions that a chain answers with more than one stored value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iotapretrain.chain.views import neuron_info, parameter_names, stake_info, subnet_info
from iotapretrain.chain.views.block_view import View
from iotapretrain.rules.chain.ledger.chain_state import Subnet


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
    ("NeuronInfoRuntimeApi", "get_neurons_lite"): neuron_info.lite,
    ("NeuronInfoRuntimeApi", "get_neurons"): neuron_info.full,
    ("NeuronInfoRuntimeApi", "get_neuron_lite"): neuron_info.one_lite,
    ("NeuronInfoRuntimeApi", "get_neuron"): neuron_info.one_full,
    ("SubnetInfoRuntimeApi", "get_metagraph"): subnet_info.metagraph,
    ("SubnetInfoRuntimeApi", "get_all_metagraphs"): subnet_info.all_metagraphs,
    ("SubnetInfoRuntimeApi", "get_selective_metagraph"): subnet_info.selective,
    ("SubnetInfoRuntimeApi", "get_dynamic_info"): subnet_info.dynamic_info,
    ("SubnetInfoRuntimeApi", "get_all_dynamic_info"): subnet_info.all_dynamic_info,
    ("SubnetInfoRuntimeApi", "get_subnet_info_v2"): subnet_info.subnet_info,
    ("SubnetInfoRuntimeApi", "get_subnets_info_v2"): subnet_info.all_subnet_info,
    ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3"): _of_subnet(parameter_names.version_3),
    ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v2"): _of_subnet(parameter_names.version_2),
    ("SubnetInfoRuntimeApi", "get_next_epoch_start_block"): _of_subnet(_next_epoch),
    ("SubnetInfoRuntimeApi", "get_subnet_to_prune"): lambda _: None,
    ("SubnetRegistrationRuntimeApi", "get_network_registration_cost"): lambda _: 0,
    ("StakeInfoRuntimeApi", "get_stake_info_for_coldkey"): stake_info.positions,
    ("StakeInfoRuntimeApi", "get_stake_info_for_coldkeys"): stake_info.positions_of_many,
    ("StakeInfoRuntimeApi", "get_stake_info_for_hotkey_coldkey_netuid"): stake_info.position,
    ("StakeInfoRuntimeApi", "get_stake_availability_for_coldkeys"): stake_info.availability,
    ("StakeInfoRuntimeApi", "get_stake_fee"): lambda *_: 0,
    ("DelegateInfoRuntimeApi", "get_delegates"): stake_info.delegates,
    ("DelegateInfoRuntimeApi", "get_delegate"): stake_info.delegate,
    ("DelegateInfoRuntimeApi", "get_delegated"): stake_info.delegated,
    ("SwapRuntimeApi", "current_alpha_price"): lambda _, __: stake_info.PRICE,
    ("SwapRuntimeApi", "current_alpha_price_all"): stake_info.price_of_all,
    ("SwapRuntimeApi", "sim_swap_tao_for_alpha"): lambda _, __, amount: stake_info.swap(amount),
    ("SwapRuntimeApi", "sim_swap_alpha_for_tao"): lambda _, __, amount: stake_info.swap(amount),
    ("BetaBasketRuntimeApi", "get_root_basket_positions"): lambda *_: [],
    ("BetaBasketRuntimeApi", "get_root_basket_owed"): lambda *_: 0,
}
"""By API and method; each takes the view and the arguments in order."""
