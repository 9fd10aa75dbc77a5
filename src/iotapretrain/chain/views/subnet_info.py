"""A whole subnet as `SubnetInfoRuntimeApi` shows it: metagraph, dynamic info, subnet info."""

from __future__ import annotations

from collections.abc import Sequence

from iotapretrain.chain.views import neuron_info, parameter_names
from iotapretrain.chain.views.block_view import View
from iotapretrain.rules.chain.ledger.chain_state import Subnet

PRICE_ONE = {"bits": 2**32}
"""One alpha is one TAO, as a fixed-point number with 32 fractional bits."""

COMMITMENTS_FIELD = "commitments"


def metagraph(view: View, netuid: int) -> dict[str, object] | None:
    """`get_metagraph`."""
    subnet = view.state.subnets.get(netuid)
    if subnet is None:
        return None
    return {
        "netuid": netuid,
        **_texts(subnet),
        "identity": identity(subnet),
        "network_registered_at": subnet.registered_at,
        "owner_hotkey": subnet.owner_hotkey,
        "owner_coldkey": subnet.owner,
        "block": view.block,
        **_timing(view, subnet),
        **_economy(view, subnet),
        **_hyperparameters(subnet),
        **_columns(subnet),
        "tao_dividends_per_hotkey": [],
        "alpha_dividends_per_hotkey": _dividends(subnet),
    }


def all_metagraphs(view: View) -> list[dict[str, object] | None]:
    """`get_all_metagraphs`."""
    return [metagraph(view, netuid) for netuid in sorted(view.state.subnets)]


def selective(view: View, netuid: int, wanted: Sequence[int]) -> dict[str, object] | None:
    """`get_selective_metagraph`: the same fields by number, None where not asked for."""
    whole = metagraph(view, netuid)
    if whole is None:
        return None
    subnet = view.state.subnets[netuid]
    permitted = [uid for uid, permit in enumerate(subnet.standing.permit) if permit]
    written = [
        (hotkey, list("".join(held or "" for _, held in commitment.fields).encode()))
        for hotkey, commitment in subnet.commitments.items()
    ]
    everything = {**whole, "validators": permitted, COMMITMENTS_FIELD: written}
    chosen = set(wanted)
    return {
        name: value if number == 0 or number in chosen else None
        for number, (name, value) in enumerate(everything.items())
    }


def dynamic_info(view: View, netuid: int) -> dict[str, object] | None:
    """`get_dynamic_info`."""
    subnet = view.state.subnets.get(netuid)
    if subnet is None:
        return None
    texts, timing, economy = _texts(subnet), _timing(view, subnet), _economy(view, subnet)
    return {
        "netuid": netuid,
        "owner_hotkey": subnet.owner_hotkey,
        "owner_coldkey": subnet.owner,
        "subnet_name": texts["name"],
        "token_symbol": texts["symbol"],
        **timing,
        "emission": economy["subnet_emission"],
        **{name: economy[name] for name in _DYNAMIC_ECONOMY},
        "network_registered_at": subnet.registered_at,
        "subnet_identity": identity(subnet),
        "moving_price": economy["moving_price"],
    }


def all_dynamic_info(view: View) -> list[dict[str, object] | None]:
    """`get_all_dynamic_info`."""
    return [dynamic_info(view, netuid) for netuid in sorted(view.state.subnets)]


def subnet_info(view: View, netuid: int) -> dict[str, object] | None:
    """`get_subnet_info_v2`."""
    subnet = view.state.subnets.get(netuid)
    if subnet is None:
        return None
    shown = parameter_names.version_2(subnet)
    return {
        "netuid": netuid,
        **{name: shown[name] for name in ("rho", "kappa", "difficulty", "immunity_period")},
        "max_allowed_validators": subnet.parameters.max_validators,
        "min_allowed_weights": subnet.parameters.min_allowed_weights,
        "max_weights_limit": shown["max_weights_limit"],
        "scaling_law_power": 0,
        "subnetwork_n": len(subnet.neurons),
        "max_allowed_uids": subnet.parameters.max_allowed_uids,
        "blocks_since_last_step": view.block - subnet.stepped_at,
        "tempo": subnet.parameters.tempo,
        "network_modality": 0,
        "network_connect": [],
        "emission_value": view.state.network.emission_per_block,
        "burn": subnet.burn,
        "owner": subnet.owner,
        "identity": identity(subnet),
    }


def all_subnet_info(view: View) -> list[dict[str, object] | None]:
    """`get_subnets_info_v2`."""
    return [subnet_info(view, netuid) for netuid in sorted(view.state.subnets)]


_DYNAMIC_ECONOMY = (
    "alpha_in",
    "alpha_out",
    "tao_in",
    "alpha_out_emission",
    "alpha_in_emission",
    "tao_in_emission",
    "pending_alpha_emission",
    "pending_root_emission",
    "subnet_volume",
)


def identity(subnet: Subnet) -> dict[str, object]:
    """What a subnet says of itself: its name."""
    return {"subnet_name": subnet.name, **dict.fromkeys(_IDENTITY_TEXTS, "")}


_IDENTITY_TEXTS = (
    "github_repo",
    "subnet_contact",
    "subnet_url",
    "discord",
    "description",
    "logo_url",
    "additional",
)


def _texts(subnet: Subnet) -> dict[str, object]:
    return {"name": list(subnet.name.encode()), "symbol": list(subnet.symbol.encode())}


def _timing(view: View, subnet: Subnet) -> dict[str, object]:
    return {
        "tempo": subnet.parameters.tempo,
        "last_step": subnet.timing.last_step,
        "blocks_since_last_step": view.block - subnet.stepped_at,
    }


def _economy(view: View, subnet: Subnet) -> dict[str, object]:
    """Stake stands for both sides of the pool that a subnet has on the real chain."""
    pool = sum(subnet.staked(hotkey) for hotkey in subnet.stakes)
    emission = view.state.network.emission_per_block
    return {
        "subnet_emission": emission,
        "alpha_in": pool,
        "alpha_out": pool,
        "tao_in": pool,
        "alpha_out_emission": emission,
        "alpha_in_emission": 0,
        "tao_in_emission": 0,
        "pending_alpha_emission": subnet.pots.epoch_emission,
        "pending_root_emission": 0,
        "subnet_volume": 0,
        "moving_price": dict(PRICE_ONE),
    }


def _hyperparameters(subnet: Subnet) -> dict[str, object]:
    shown = parameter_names.version_2(subnet)
    return {
        **{name: shown[name] for name in _BEFORE_UIDS},
        "num_uids": len(subnet.neurons),
        "max_uids": subnet.parameters.max_allowed_uids,
        "burn": subnet.burn,
        "difficulty": shown["difficulty"],
        "registration_allowed": shown["registration_allowed"],
        "pow_registration_allowed": False,
        **{name: shown[name] for name in _AFTER_UIDS},
    }


_BEFORE_UIDS = (
    "rho",
    "kappa",
    "min_allowed_weights",
    "max_weights_limit",
    "weights_version",
    "weights_rate_limit",
    "activity_cutoff",
    "max_validators",
)
_AFTER_UIDS = (
    "immunity_period",
    "min_difficulty",
    "max_difficulty",
    "min_burn",
    "max_burn",
    "adjustment_alpha",
    "adjustment_interval",
    "target_regs_per_interval",
    "max_regs_per_block",
    "serving_rate_limit",
    "commit_reveal_weights_enabled",
    "commit_reveal_period",
    "liquid_alpha_enabled",
    "alpha_high",
    "alpha_low",
    "bonds_moving_avg",
)


def _columns(subnet: Subnet) -> dict[str, object]:
    standing, zeros = subnet.standing, [0] * len(subnet.neurons)
    stake = [subnet.staked(neuron.hotkey) for neuron in subnet.neurons]
    return {
        "hotkeys": [neuron.hotkey for neuron in subnet.neurons],
        "coldkeys": [neuron.coldkey for neuron in subnet.neurons],
        "identities": [None] * len(subnet.neurons),
        "axons": [neuron_info.axon(neuron) for neuron in subnet.neurons],
        "active": list(standing.active),
        "validator_permit": list(standing.permit),
        "pruning_score": zeros,
        "last_update": [neuron.last_update for neuron in subnet.neurons],
        "emission": list(standing.emission),
        "dividends": list(standing.dividends),
        "incentives": list(standing.incentive),
        "consensus": list(standing.consensus),
        "trust": zeros,
        "rank": zeros,
        "block_at_registration": [neuron.registered for neuron in subnet.neurons],
        "alpha_stake": stake,
        "tao_stake": zeros,
        "total_stake": stake,
    }


def _dividends(subnet: Subnet) -> list[tuple[str, int]]:
    """What the last epoch handed to those that validated."""
    shared = zip(subnet.neurons, subnet.standing.dividends, subnet.standing.emission, strict=True)
    return [(neuron.hotkey, emission) for neuron, dividend, emission in shared if dividend]
