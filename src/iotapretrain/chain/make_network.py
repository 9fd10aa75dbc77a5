"""Making a network: a folder with a chain in it, and the demo wallets that its genesis names."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.chain.clock import BlockClock
from iotapretrain.chain.embedded_chain import JOURNAL, now_ms
from iotapretrain.chain.entries import Beginning, beginning_draft
from iotapretrain.chain.genesis_file import read_genesis
from iotapretrain.chain.wallets import make_wallet
from iotapretrain.errors import InputError
from iotapretrain.store.open_journal import open_journal

WALLETS = "wallets"


@dataclass(frozen=True, slots=True)
class Network:
    """A new network: its folder, and the addresses of its wallets."""

    folder: Path
    addresses: Mapping[str, str]


def create_network(genesis: Path, folder: Path) -> Network:
    """Make the folder, its wallets and its chain. Refused where there is a chain already."""
    plan = read_genesis(genesis)
    journal = folder / JOURNAL
    if journal.exists():
        raise InputError(f"{folder}: there is a chain already; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    addresses: dict[str, str] = {}
    for wallet in plan.wallets:
        addresses |= make_wallet(folder / WALLETS, wallet.name, wallet.hotkeys)
    beginning = Beginning(BlockClock(plan.clock, now_ms()), plan.resolved(addresses))
    begin(journal, beginning)
    return Network(folder, addresses)


def begin(journal: Path, beginning: Beginning) -> None:
    """Write the first record of a chain; its journal's name makes its hashes its own."""
    with open_journal(journal, f"iota chain {secrets.token_hex(8)}") as opened:
        opened.append([beginning_draft(beginning)], expected=0)
