"""`docs/chain.md` says what is true: its keys, its numbers, its commands."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from pathlib import Path

from typer.main import get_command

from iotapretrain.chain import allowances, block_history, old_blocks
from iotapretrain.chain.block_history import BLOCKS_AT_HAND
from iotapretrain.chain.client import ChainPatience
from iotapretrain.chain.freshness import Freshness
from iotapretrain.chain.replay import SNAPSHOT_EVERY
from iotapretrain.chain.rpc import methods
from iotapretrain.chain.rpc.limits import ClientLimits
from iotapretrain.chain.sender import INCLUSION_SLACK_SECONDS
from iotapretrain.cli.chain import app
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters
from iotapretrain.store.journal import PATIENCE_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "chain.md").read_text()


def test_every_setting_of_a_genesis_is_listed() -> None:
    for settings in (SubnetParameters, NetworkParameters):
        for setting in fields(settings):
            assert f"`{setting.name}`" in PAGE


def test_every_command_that_it_shows_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    shown = set(re.findall(r"iota chain (\w+)", PAGE)) - {"makes"}
    assert shown <= commands


def row(what: str) -> str:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {what}"))
    return line.split("|")[2].strip()


def test_the_deadlines_are_those_of_the_code() -> None:
    patience, freshness = ChainPatience(), Freshness()
    assert float(row("opening a connection")) == patience.connect
    assert float(row("one try of a read")) == patience.attempt
    assert float(row("a read with all its tries")) == patience.seconds
    assert row("the pause between tries") == f"{patience.first_pause} to {patience.longest_pause:g}"
    assert float(row("a submission until")) == patience.submit
    assert float(row("waiting for an embedded block")) == INCLUSION_SLACK_SECONDS
    assert float(row("waiting for the journal's lock")) == PATIENCE_SECONDS
    assert float(row("a metagraph as good as new")) == freshness.fresh
    assert float(row("a metagraph better than")) == freshness.stale


def test_every_limit_of_a_served_chain_is_in_the_table() -> None:
    section = PAGE.partition("### What one client may cost")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+) \| \S", section, re.MULTILINE))
    modules = (block_history, allowances, old_blocks, methods)
    limits = asdict(ClientLimits())
    constants = {
        name: getattr(module, name)
        for module in modules
        for name in told
        if name.isupper() and hasattr(module, name)
    }
    assert {name: float(value) for name, value in told.items()} == limits | constants
    bounds = {
        name for module in (allowances, old_blocks) for name in vars(module) if "BYTES" in name
    }
    assert bounds - {"ENTRY_BYTES"} <= set(told)


def test_the_other_numbers_too() -> None:
    assert f"the newest {BLOCKS_AT_HAND} blocks with extrinsics" in PAGE
    assert f"one every {SNAPSHOT_EVERY:,} records" in PAGE
    network, parameters = NetworkParameters(), SubnetParameters()
    assert f"up to {network.commitment_bytes} bytes" in PAGE
    assert f"`commitment_rate_limit` blocks ({parameters.commitment_rate_limit})" in PAGE
    assert f"and {network.commitment_space:,} bytes an epoch" in PAGE
    assert network.delegate_take == network.owner_cut == 11796  # 18 %
