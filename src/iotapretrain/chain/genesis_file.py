"""A genesis written by a person: TOML in which keys are addresses or wallets still to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from iotapretrain.chain.clock import DEFAULT_BLOCK_MS, ClockSettings
from iotapretrain.chain.section import Section, read_toml
from iotapretrain.chain.wallets import is_address
from iotapretrain.errors import ConfigError
from iotapretrain.rules.ledger.genesis import (
    FIRST_BURN,
    Genesis,
    GenesisStake,
    GenesisSubnet,
    first_state,
)
from iotapretrain.rules.ledger.parameters import (
    MULTIPLIER_ONE,
    NETWORK_RANGES,
    SUBNET_RANGES,
    U16,
    U64,
    NetworkParameters,
    Parameters,
)

RAO = 10**9
SCALES: Mapping[str, int] = {
    "burn": RAO,
    "min_burn": RAO,
    "max_burn": RAO,
    "emission_per_block": RAO,
    "stake_threshold": RAO,
    "minimum_stake": RAO,
    "existential_deposit": RAO,
    "kappa": U16,
    "bonds_penalty": U16,
    "alpha_low": U16,
    "alpha_high": U16,
    "owner_cut": U16,
    "delegate_take": U16,
    "bonds_moving_avg": 10**6,
    "burn_increase_mult": MULTIPLIER_ONE,
}
"""What a decimal is multiplied by to become the raw number."""

MOST_NETUIDS = 4095
LONGEST_BLOCK_MS = 3_600_000
MILLISECONDS = 1000
FILE_KEYS = ("clock", "network", "wallets", "accounts", "subnets")
SUBNET_KEYS = ("netuid", "name", "symbol", "owner", "owner_hotkey", "burn", "stakes")


@dataclass(frozen=True, slots=True)
class WalletPlan:
    """A demo wallet that is made in the network's own folder, and what it owns at the start."""

    name: str
    hotkeys: tuple[str, ...]
    balance: int


@dataclass(frozen=True, slots=True)
class GenesisFile:
    """A genesis before its wallets are made."""

    top: Section
    clock: ClockSettings
    network: NetworkParameters
    wallets: tuple[WalletPlan, ...]

    def resolved(self, addresses: Mapping[str, str]) -> Genesis:
        """The genesis, given the address of every `wallet` and `wallet/hotkey`."""
        keys = _Keys(addresses)
        balances = {addresses[wallet.name]: wallet.balance for wallet in self.wallets}
        for account in self.top.sections("accounts"):
            account.only(("address", "balance"))
            balances[keys.address(account, "address")] = _rao(account, "balance")
        subnets = tuple(_subnet(section, keys) for section in self.top.sections("subnets"))
        genesis = Genesis(self.network, balances, subnets)
        try:
            first_state(genesis)
        except ValueError as error:
            raise ConfigError(self.top.file, "subnets", str(error), "each once") from error
        return genesis


def read_genesis(path: Path) -> GenesisFile:
    """A genesis file, with everything checked that does not need its wallets."""
    top = read_toml(path)
    top.only(FILE_KEYS)
    network = top.section("network")
    network.only([setting.name for setting in fields(NetworkParameters)])
    numbers = {name: _setting(network, name, *NETWORK_RANGES[name]) for name in network.table}
    wallets = tuple(_wallet(section) for section in top.sections("wallets"))
    return GenesisFile(top, _clock(top.section("clock")), NetworkParameters(**numbers), wallets)


@dataclass(frozen=True, slots=True)
class _Keys:
    """Addresses by the names that the file uses for them."""

    addresses: Mapping[str, str]

    def address(self, section: Section, name: str) -> str:
        """The address behind a key of a table: one itself, or a wallet's."""
        value = section.text(name)
        if value in self.addresses:
            return self.addresses[value]
        if not is_address(value):
            known = ", ".join(self.addresses) or "none is made here"
            section.refuse(name, f"{value!r} is no key", f"an ss58 address, or a wallet: {known}")
        return value

    def pair(self, section: Section, hotkey: str, coldkey: str) -> tuple[str, str]:
        """A hotkey and its coldkey; a wallet's hotkey says whose it is by its name."""
        wallet = section.text(hotkey).partition("/")[0]
        if coldkey in section.table or wallet not in self.addresses:
            return self.address(section, hotkey), self.address(section, coldkey)
        return self.address(section, hotkey), self.addresses[wallet]


def _subnet(section: Section, keys: _Keys) -> GenesisSubnet:
    section.only([*SUBNET_KEYS, *(setting.name for setting in fields(Parameters))])
    hotkey, owner = keys.pair(section, "owner_hotkey", "owner")
    netuid = section.number("netuid", 1, MOST_NETUIDS)
    return GenesisSubnet(
        netuid=netuid,
        name=section.text("name", f"subnet {netuid}"),
        symbol=section.text("symbol", "α"),
        owner=owner,
        owner_hotkey=hotkey,
        burn=_setting(section, "burn", 0, U64) if "burn" in section.table else FIRST_BURN,
        parameters=_parameters(section),
        stakes=tuple(_stake(stake, keys) for stake in section.sections("stakes")),
    )


def _stake(section: Section, keys: _Keys) -> GenesisStake:
    section.only(("hotkey", "coldkey", "amount"))
    return GenesisStake(*keys.pair(section, "hotkey", "coldkey"), _rao(section, "amount"))


def _parameters(section: Section) -> Parameters:
    """The hyperparameters among a subnet's keys."""
    chosen: dict[str, int] = {}
    for setting in fields(Parameters):
        if setting.name not in section.table:
            continue
        if setting.name in SUBNET_RANGES:
            chosen[setting.name] = _setting(section, setting.name, *SUBNET_RANGES[setting.name])
        else:
            chosen[setting.name] = section.flag(setting.name, False)
    try:
        return Parameters(**chosen)  # type: ignore[arg-type]
    except ValueError as error:
        name, _, problem = str(error).partition(": ")
        section.refuse(name, problem, "bounds in their order")


def _setting(section: Section, name: str, lowest: int, highest: int) -> int:
    return section.number(name, lowest, highest, SCALES.get(name, 1))


def _rao(section: Section, name: str, default: int | None = None) -> int:
    return section.amount(name, U64, RAO, default)


def _wallet(section: Section) -> WalletPlan:
    section.only(("name", "hotkeys", "balance"))
    name, hotkeys = section.text("name"), section.texts("hotkeys", ("default",))
    for key, value in (("name", name), *(("hotkeys", hotkey) for hotkey in hotkeys)):
        if not value.replace("-", "").replace("_", "").isalnum() or not value.isascii():
            section.refuse(key, f"{value!r} is no name", "letters, digits, - and _")
    return WalletPlan(name, hotkeys, _rao(section, "balance", 0))


def _clock(section: Section) -> ClockSettings:
    section.only(("kind", "block_time"))
    kind = section.text("kind", "wall")
    if kind not in ("wall", "manual"):
        section.refuse("kind", f"{kind!r} is no clock", "wall, manual")
    block_ms = section.amount("block_time", LONGEST_BLOCK_MS, MILLISECONDS, DEFAULT_BLOCK_MS)
    if block_ms == 0:
        section.refuse("block_time", "no time at all", "0.001 s or more")
    return ClockSettings("wall" if kind == "wall" else "manual", block_ms)
