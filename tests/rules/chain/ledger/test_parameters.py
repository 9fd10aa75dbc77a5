"""Settings refuse what the chain could not store."""

from __future__ import annotations

from typing import Any

import pytest

from iotapretrain.rules.chain.ledger.genesis import (
    Genesis,
    GenesisStake,
    GenesisSubnet,
    first_state,
)
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters


@pytest.mark.parametrize(
    "settings",
    [
        {"tempo": -1},
        {"tempo": 65_536},
        {"tempo": True},
        {"tempo": 1.5},
        {"yuma3_enabled": 1},
        {"alpha_low": 1637},
        {"alpha_low": 60_000, "alpha_high": 50_000},
        {"min_burn": 2, "max_burn": 1},
        {"owner_immune_neuron_limit": 0},
        {"burn_increase_mult": 2**64 - 1},
    ],
)
def test_subnet_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(settings))}: "):
        SubnetParameters(**settings)


@pytest.mark.parametrize("settings", [{"owner_cut": 65_536}, {"minimum_stake": 0}])
def test_network_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(settings))}: "):
        NetworkParameters(**settings)


def test_a_genesis_that_contradicts_itself() -> None:
    def genesis(*subnets: GenesisSubnet) -> Genesis:
        return Genesis(NetworkParameters(), {}, subnets)

    one = GenesisSubnet(1, "one", "cold", "hot")
    with pytest.raises(ValueError, match="a netuid appears twice"):
        first_state(genesis(one, GenesisSubnet(1, "two", "cold", "other")))
    with pytest.raises(ValueError, match="hotkey hot belongs to cold, not to thief"):
        first_state(genesis(one, GenesisSubnet(2, "two", "thief", "hot")))
    stake = GenesisStake("hot", "thief", 5)
    with pytest.raises(ValueError, match="hotkey hot belongs to cold, not to thief"):
        first_state(genesis(GenesisSubnet(1, "one", "cold", "hot", stakes=(stake,))))
