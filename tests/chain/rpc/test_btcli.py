"""`btcli` as people run it, against the embedded chain served over WebSocket."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import bittensor as bt

from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.rpc.server import serving
from tests.chain.rpc.networks import act, make_network

BTCLI = Path(sys.executable).with_name("btcli")
TEMPO = 20


async def btcli(*arguments: str) -> Any:
    """What a command prints as JSON."""
    process = await asyncio.create_subprocess_exec(
        str(BTCLI), *arguments, "--json", stdout=PIPE, stderr=PIPE
    )
    said, complaint = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0, complaint.decode() + said.decode()
    return json.loads(said)


async def test_btcli_registers_sets_weights_and_shows_the_metagraph(tmp_path: Path) -> None:
    wallets = make_network(tmp_path / "net")
    miner = bt.Wallet("miner-1", path=str(wallets))
    with EmbeddedChain(tmp_path / "net") as chain:
        hotkey = miner.hotkey.ss58_address
        act(chain, miner.coldkey, "SubtensorModule", "burned_register", netuid=1, hotkey=hotkey)
        async with serving(chain, chain.codec) as service:
            network = ("--network", service.url)
            signed = ("-w", "validator-1", "--wallet-path", str(wallets), "--yes", *network)
            registered = await btcli("subnets", "register", "--netuid", "1", *signed)
            assert registered["success"]
            assert registered["data"]["shielded"]
            chain.advance(2 * TEMPO)
            weights = ("--netuid", "1", "--uids", "0", "--weights", "1")
            assert (await btcli("weights", "set", *weights, *signed))["success"]
            chain.advance(TEMPO)
            shown, graph = await asyncio.gather(
                btcli("subnets", "show", "1", *network),
                btcli("query", "metagraph", "--netuid", "1", *network),
            )
    assert (shown["neurons"], shown["tempo"]) == (2, TEMPO)
    assert graph["incentives"] == [65535, 0]
    assert graph["dividends"] == [0, 65535]
    assert graph["validator_permit"] == [False, True]
