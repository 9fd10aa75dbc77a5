"""Making a network, a folder with a chain and demo wallets, from a genesis written by a person.

Which keys it has, and how settings are written: docs/chain.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from iotapretrain.chain.embedded_chain import JOURNAL, now_ms
from iotapretrain.chain.entries import Beginning, BlockClock, ClockSettings, beginning_draft
from iotapretrain.chain.wallets import is_address, make_wallet
from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.chain.fixed_point import U16, U64
from iotapretrain.rules.chain.ledger.genesis import (
    FIRST_BURN,
    Genesis,
    GenesisStake,
    GenesisSubnet,
    first_state,
)
from iotapretrain.rules.chain.ledger.parameters import (
    MULTIPLIER_ONE,
    NETWORK_RANGES,
    SUBNET_RANGES,
    NetworkParameters,
    SubnetParameters,
)
from iotapretrain.rules.toml_table import TomlTable
from iotapretrain.store.open_journal import open_journal

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
"""What 1.0 of a setting is in the chain's own numbers."""

MOST_COINS = U64 / RAO
LONGEST_BLOCK = 3600.0
TABLES = ("clock", "network", "wallets", "accounts", "subnets")
SUBNET_KEYS = ("netuid", "name", "symbol", "owner", "owner_hotkey", "burn", "stakes")
RANGES = {**NETWORK_RANGES, **SUBNET_RANGES, "burn": (0, U64), "netuid": (1, 4095)}


@dataclass(frozen=True, slots=True)
class WalletPlan:
    """A demo wallet that is made in the network's own folder, and what it owns at the start."""

    name: str
    hotkeys: tuple[str, ...]
    balance: int


@dataclass(frozen=True, slots=True)
class GenesisFile:
    """A genesis before its wallets are made."""

    table: TomlTable
    clock: ClockSettings
    network: NetworkParameters
    wallets: tuple[WalletPlan, ...]

    def check(self) -> None:
        """Refuse what could not become a chain, before any wallet of it is made."""
        hotkeys = (f"{each.name}/{hotkey}" for each in self.wallets for hotkey in each.hotkeys)
        names = (*(each.name for each in self.wallets), *hotkeys)
        self.resolved({name: name for name in names})

    def resolved(self, addresses: Mapping[str, str]) -> Genesis:
        """The genesis, given the address of every `wallet` and `wallet/hotkey`."""
        balances = {addresses[wallet.name]: wallet.balance for wallet in self.wallets}
        for account in _tables(self.table, "accounts"):
            account.check_keys(("address", "balance"))
            balances[_address(account, "address", addresses)] = _coins(account, "balance")
        subnets = tuple(_subnet(table, addresses) for table in _tables(self.table, "subnets"))
        genesis = Genesis(self.network, balances, subnets)
        try:
            first_state(genesis)
        except ValueError as error:
            raise self.table.wrong("subnets", str(error), "each once") from error
        return genesis


def read_genesis(path: Path) -> GenesisFile:
    """A genesis file, with everything checked that does not need its wallets."""
    try:
        table = TomlTable.of_text(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(str(path), "(file)", reason, "a TOML file that can be read") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "(file)", str(error), "UTF-8") from error
    table.check_keys(TABLES)
    wallets = tuple(_wallet(each) for each in _tables(table, "wallets"))
    return GenesisFile(table, _clock(table), _network(table), wallets)


def _address(table: TomlTable, key: str, addresses: Mapping[str, str]) -> str:
    """The address behind a key of a table: one itself, or a wallet's."""
    value = table.text(key)
    if value not in addresses and not is_address(value):
        known = ", ".join(addresses) or "none is made here"
        raise table.wrong(key, f"{value!r} is no key", f"an address, or a wallet: {known}")
    return addresses.get(value, value)


def _pair(
    table: TomlTable, hotkey: str, coldkey: str, addresses: Mapping[str, str]
) -> tuple[str, str]:
    """A hotkey and its coldkey; the name of a wallet's hotkey says whose it is."""
    wallet = table.text(hotkey).partition("/")[0]
    hot = _address(table, hotkey, addresses)
    if coldkey in table or wallet not in addresses:
        return hot, _address(table, coldkey, addresses)
    return hot, addresses[wallet]


def _subnet(table: TomlTable, addresses: Mapping[str, str]) -> GenesisSubnet:
    settings = [setting.name for setting in fields(SubnetParameters)]
    table.check_keys([*SUBNET_KEYS, *settings])
    hotkey, owner = _pair(table, "owner_hotkey", "owner", addresses)
    netuid = _setting(table, "netuid")
    return GenesisSubnet(
        netuid=netuid,
        name=table.text("name", f"subnet {netuid}"),
        symbol=table.text("symbol", "\N{GREEK SMALL LETTER ALPHA}"),
        owner=owner,
        owner_hotkey=hotkey,
        burn=_setting(table, "burn") if "burn" in table else FIRST_BURN,
        parameters=_parameters(table, [name for name in settings if name in table]),
        stakes=tuple(_stake(stake, addresses) for stake in _tables(table, "stakes")),
    )


def _stake(table: TomlTable, addresses: Mapping[str, str]) -> GenesisStake:
    table.check_keys(("hotkey", "coldkey", "amount"))
    return GenesisStake(*_pair(table, "hotkey", "coldkey", addresses), _coins(table, "amount"))


def _parameters(table: TomlTable, given: Iterable[str]) -> SubnetParameters:
    numbers = {name: _setting(table, name) for name in given if name in SUBNET_RANGES}
    flags = {name: table.flag(name) for name in given if name not in SUBNET_RANGES}
    try:
        return SubnetParameters(**numbers, **flags)  # type: ignore[arg-type] # names are split by type above
    except ValueError as error:
        name, _, problem = str(error).partition(": ")
        raise table.wrong(name, problem, "bounds in their order") from error


def _network(table: TomlTable) -> NetworkParameters:
    network = _table(table, "network")
    network.check_keys([setting.name for setting in fields(NetworkParameters)])
    return NetworkParameters(**{name: _setting(network, name) for name in network})


def _setting(table: TomlTable, name: str) -> int:
    lowest, highest = RANGES[name]
    one = SCALES.get(name, 1)
    value = table.scaled(name, one)
    if not lowest <= value <= highest:
        scale = f"; 1.0 is {one}" if one > 1 else ""
        raise table.wrong(name, f"{value} is out of range", f"{lowest} to {highest}{scale}")
    return value


def _coins(table: TomlTable, key: str, default: float | None = None) -> int:
    value = table.number(key, default)
    if not 0 <= value < MOST_COINS:
        raise table.wrong(key, f"{value} is out of range", f"0 to {MOST_COINS:.0f} TAO")
    return round(value * RAO)


def _wallet(table: TomlTable) -> WalletPlan:
    table.check_keys(("name", "hotkeys", "balance"))
    name = table.text("name")
    hotkeys = table.texts("hotkeys") if "hotkeys" in table else ["default"]
    for key, value in (("name", name), *(("hotkeys", hotkey) for hotkey in hotkeys)):
        if not value.isascii() or not value.replace("-", "").replace("_", "").isalnum():
            raise table.wrong(key, f"{value!r} is no name", "letters, digits, - and _")
    return WalletPlan(name, tuple(hotkeys), _coins(table, "balance", 0.0))


def _clock(table: TomlTable) -> ClockSettings:
    clock = _table(table, "clock")
    clock.check_keys(("kind", "block_time"))
    seconds = clock.number("block_time", 12.0)
    if not 0.001 <= seconds <= LONGEST_BLOCK:
        allowed = f"0.001 to {LONGEST_BLOCK:g} seconds"
        raise clock.wrong("block_time", f"{seconds:g} is out of range", allowed)
    kind = clock.choice("kind", ("wall", "manual"), "wall")
    return ClockSettings("manual" if kind == "manual" else "wall", round(seconds * 1000))


def _table(table: TomlTable, key: str) -> TomlTable:
    """A table that may be left out."""
    return table.table(key) if key in table else TomlTable(table.file, key, {})


def _tables(table: TomlTable, key: str) -> list[TomlTable]:
    return table.tables(key) if key in table else []


WALLETS = "wallets"


@dataclass(frozen=True, slots=True)
class NewNetwork:
    """A new network: its folder, and the addresses of its wallets."""

    folder: Path
    addresses: Mapping[str, str]


def create_network(genesis: Path, folder: Path) -> NewNetwork:
    """Make the folder, its wallets and its chain. Refused where there is a chain already."""
    plan = read_genesis(genesis)
    journal = folder / JOURNAL
    if journal.exists():
        raise InputError(f"{folder}: there is a chain already; choose another folder")
    plan.check()
    folder.mkdir(parents=True, exist_ok=True)
    addresses: dict[str, str] = {}
    for wallet in plan.wallets:
        addresses |= make_wallet(folder / WALLETS, wallet.name, wallet.hotkeys)
    beginning = Beginning(BlockClock(plan.clock, now_ms()), plan.resolved(addresses))
    begin(journal, beginning)
    return NewNetwork(folder, addresses)


def begin(journal: Path, beginning: Beginning) -> None:
    """Write the first record of a chain; its journal's name makes its hashes its own."""
    with open_journal(journal, f"iota chain {secrets.token_hex(8)}") as opened:
        opened.append([beginning_draft(beginning)], expected=0)
