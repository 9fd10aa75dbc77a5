"""What a chain begins with, and the state that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotapretrain.rules.chain.ledger.chain_state import (
    ChainState,
    CoinAccount,
    Subnet,
    Timing,
    held,
)
from iotapretrain.rules.chain.ledger.money import staked
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters

FIRST_BURN = 10**9


@dataclass(frozen=True, slots=True)
class GenesisStake:
    """Stake that exists from the start; its hotkey belongs to its coldkey."""

    hotkey: str
    coldkey: str
    amount: int


@dataclass(frozen=True, slots=True)
class GenesisSubnet:
    """A subnet that exists from the start, with nobody registered on it."""

    netuid: int
    name: str
    owner: str
    owner_hotkey: str
    symbol: str = "\N{GREEK SMALL LETTER ALPHA}"
    burn: int = FIRST_BURN
    parameters: SubnetParameters = field(default_factory=SubnetParameters)
    stakes: tuple[GenesisStake, ...] = ()


@dataclass(frozen=True, slots=True)
class Genesis:
    """Everything that block 0 holds."""

    network: NetworkParameters
    balances: Mapping[str, int]
    subnets: tuple[GenesisSubnet, ...]


def first_state(genesis: Genesis) -> ChainState:
    """Block 0. Raises ValueError where the genesis contradicts itself."""
    owners: dict[str, str] = {}
    for subnet in genesis.subnets:
        own(owners, subnet.owner_hotkey, subnet.owner)
        for stake in subnet.stakes:
            own(owners, stake.hotkey, stake.coldkey)
    subnets = {subnet.netuid: _opened(subnet) for subnet in genesis.subnets}
    if len(subnets) != len(genesis.subnets):
        raise ValueError("subnets: a netuid appears twice")
    accounts = {address: CoinAccount(free) for address, free in genesis.balances.items()}
    state = ChainState(0, genesis.network, accounts, owners, subnets, issuance=0)
    return ChainState(0, genesis.network, accounts, owners, subnets, issuance=held(state))


def own(owners: dict[str, str], hotkey: str, coldkey: str) -> None:
    """Note whose hotkey this is; a hotkey has one coldkey for ever."""
    if owners.setdefault(hotkey, coldkey) != coldkey:
        raise ValueError(f"hotkey {hotkey} belongs to {owners[hotkey]}, not to {coldkey}")


def _opened(genesis: GenesisSubnet) -> Subnet:
    """A subnet of block 0; its first epoch is due after one tempo (Yuma, section 15)."""
    subnet = Subnet(
        netuid=genesis.netuid,
        name=genesis.name,
        symbol=genesis.symbol,
        owner=genesis.owner,
        owner_hotkey=genesis.owner_hotkey,
        registered_at=0,
        parameters=genesis.parameters,
        timing=Timing(last_epoch_block=0),
        burn=min(max(genesis.burn, genesis.parameters.min_burn), genesis.parameters.max_burn),
    )
    for stake in genesis.stakes:
        subnet = staked(subnet, stake.hotkey, stake.coldkey, stake.amount)
    return subnet
