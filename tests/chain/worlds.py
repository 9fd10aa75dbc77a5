"""Chains for tests: a small one in a file, the same one served, or a node that runs elsewhere."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import bittensor as bt
from bittensor.keyfiles import Keypair

from iotapretrain.chain.embedded_chain import JOURNAL, EmbeddedChain
from iotapretrain.chain.entries import Beginning, BlockClock, ClockSettings
from iotapretrain.chain.make_network import begin
from iotapretrain.chain.rpc.server import serving
from iotapretrain.chain.substrate import EmbeddedSubstrate
from iotapretrain.rules.chain.ledger.genesis import Genesis, GenesisStake, GenesisSubnet
from iotapretrain.rules.chain.ledger.parameters import NetworkParameters, SubnetParameters

RAO = 10**9
START_MS = 1_790_000_000_000
LIVE = "IOTA_TEST_CHAIN"
TEMPO = 20
RATE_LIMIT = 5
VALIDATORS = {"validator-1": 20_000 * RAO, "validator-2": 10_000 * RAO}
BALANCE = 1_000 * RAO


@dataclass(frozen=True)
class Keys:
    """A wallet in memory: what the SDK needs of one."""

    coldkey: Keypair
    hotkey: Keypair

    @property
    def coldkeypub(self) -> Keypair:
        return self.coldkey

    @property
    def hotkeypub(self) -> Keypair:
        return self.hotkey


@cache
def keys(name: str) -> Keys:
    """Somebody's keys, always the same by his name."""
    cold, hot = (Keypair.create_from_uri(f"//iota//{name}//{part}") for part in ("cold", "hot"))
    return Keys(cold, hot)


def hotkey(name: str) -> str:
    return str(keys(name).hotkey.ss58_address)


def coldkey(name: str) -> str:
    return str(keys(name).coldkey.ss58_address)


PARAMETERS = SubnetParameters(
    tempo=TEMPO,
    immunity_period=40,
    min_non_immune=0,
    max_allowed_uids=8,
    max_validators=4,
    min_burn=RAO // 10,
    weights_rate_limit=RATE_LIMIT,
    serving_rate_limit=RATE_LIMIT,
    commitment_rate_limit=RATE_LIMIT,
)
NETWORK = NetworkParameters(stake_threshold=1_000 * RAO)


def genesis(
    parameters: SubnetParameters = PARAMETERS,
    network: NetworkParameters = NETWORK,
    stakes: Mapping[str, int] = VALIDATORS,
    people: int = 12,
) -> Genesis:
    """One subnet; an owner, miners and validators with coins; validators with stake."""
    names = ["owner", *stakes, *(f"miner-{number}" for number in range(1, people))]
    subnet = GenesisSubnet(
        netuid=1,
        name="tiny",
        owner=coldkey("owner"),
        owner_hotkey=hotkey("owner"),
        burn=RAO,
        parameters=parameters,
        stakes=tuple(
            GenesisStake(hotkey(name), coldkey(name), amount) for name, amount in stakes.items()
        ),
    )
    return Genesis(network, {coldkey(name): BALANCE for name in names}, (subnet,))


def make_chain(
    folder: Path,
    begun: Genesis | None = None,
    clock: ClockSettings | None = None,
    start_ms: int = START_MS,
) -> EmbeddedChain:
    """A new chain in a folder, by default with a clock that only the test moves."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = clock or ClockSettings("manual", 12_000)
    begin(folder / JOURNAL, Beginning(BlockClock(settings, start_ms), begun or genesis()))
    return EmbeddedChain(folder)


@dataclass(frozen=True)
class World:
    """A chain as the SDK's client sees it, and the hand on its clock."""

    client: bt.Client
    chain: EmbeddedChain

    async def advance(self, blocks: int = 1) -> int:
        """Let empty blocks pass; the new head."""
        head = self.chain.advance(blocks)
        await self.client.wait_for_block(head, timeout=10)
        return head

    async def to_epoch(self) -> int:
        """Let blocks pass until the subnet's next epoch has run."""
        start = await self.client.epochs.next_epoch_start_block(1)
        return await self.advance(start - self.chain.head())


@asynccontextmanager
async def embedded(folder: Path, begun: Genesis | None = None) -> AsyncIterator[World]:
    """The chain in this process; the clock is moved through another opening of its file."""
    with make_chain(folder, begun) as chain:
        async with bt.Client("local", substrate=EmbeddedSubstrate(folder)) as client:
            yield World(client, chain)


@asynccontextmanager
async def served(folder: Path, begun: Genesis | None = None) -> AsyncIterator[World]:
    """The same chain over a WebSocket."""
    with make_chain(folder, begun) as chain:
        async with serving(chain, chain.codec) as service, bt.Client(service.url) as client:
            yield World(client, chain)


def live_url() -> str | None:
    """The node that somebody wants these tests to run against."""
    return os.environ.get(LIVE)


def changed(**settings: int | bool) -> Genesis:
    """The usual chain with other hyperparameters."""
    return genesis(replace(PARAMETERS, **settings))  # type: ignore[arg-type]
