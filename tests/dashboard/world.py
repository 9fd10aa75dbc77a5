"""A network to be looked at: a real chain in a folder, synthetic rounds, weights that follow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.make_network import create_network
from iotapretrain.chain.wallets import open_wallet
from iotapretrain.hub.card import Card, TrainingData
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.observe import events
from tests.dashboard.synthetic import START, VILLAINS, Actor, Synthetic

Answer = TypeVar("Answer")
MINERS = 6
STAKES = {"validator-1": 60_000, "validator-2": 30_000, "validator-3": 10_000}
NETUID = 1
GENESIS = """
[clock]
kind = "manual"
block_time = 12.0
[network]
emission_per_block = 1.0
stake_threshold = 1000.0
{wallets}
[[subnets]]
netuid = 1
name = "world"
owner = "owner"
owner_hotkey = "owner/default"
tempo = 10
immunity_period = 1000
max_allowed_uids = 32
max_validators = 4
burn = 0.1
min_burn = 0.1
weights_rate_limit = 1
commitment_rate_limit = 1
activity_cutoff_factor = 13889
{stakes}
"""


@dataclass
class World:
    """One network; every `turn` is one more round of all validators, and what follows from it."""

    folder: Path
    synthetic: Synthetic = field(init=False)

    def __post_init__(self) -> None:
        names = ["owner", *STAKES, *VILLAINS, *(f"miner-{n + 1}" for n in range(MINERS))]
        wallets = "".join(f'[[wallets]]\nname = "{name}"\nbalance = 1000.0\n' for name in names)
        stakes = "".join(
            f'[[subnets.stakes]]\nhotkey = "{name}/default"\namount = {amount}.0\n'
            for name, amount in STAKES.items()
        )
        genesis = self.folder.with_suffix(".toml")
        genesis.write_text(GENESIS.format(wallets=wallets, stakes=stakes))
        create_network(genesis, self.folder)
        actors = {name: self._actor(name, 0) for name in names[1:]}
        uids = self._asked(lambda client: self._registered(client, list(actors)))
        self.synthetic = Synthetic(
            self.folder,
            miners=len(VILLAINS) + MINERS,
            validators=len(STAKES),
            actors={name: self._actor(name, uids[name]) for name in actors},
            network=self._asked(lambda client: client.block_hash(0)).hex(),
            publish=self._publish,
        )
        self._advance()

    def turn(self) -> None:
        """A round, the weights that follow, and the next epoch."""
        self.synthetic.round()
        self._asked(self._set_weights)
        self._advance()

    def audited(self, held: bool) -> None:
        """Somebody audited the newest round of the last validator."""
        watcher = self.synthetic.watchers[-1]
        differences = [] if held else ["loss of uid 7 on PROSE page 2: published 1.2, computed 2.1"]
        self.synthetic.demo.emit(
            events.Audited(
                time=START + 12.0 * self.synthetic.block,
                source="auditor:anyone",
                validator=watcher.hotkey,
                round=self.synthetic.rounds,
                held=held,
                differences=differences,
            )
        )

    def _publish(self, actor: Actor, name: str, parent: str | None, loss: float) -> str:
        """A model that is only a card, in the folder hub of the network."""
        data = (TrainingData("python-docs", "3.11", 1.0),)
        card = Card("A model", name, "mit", 1_000_000, loss, data, parent)
        hub = FolderHub(self.folder / "hub", actor.name)
        repository = RepositoryId(actor.name, name)
        files = {"README.md": card.render().encode()}
        commit = hub.add(files, repository, f"A model at {self.synthetic.block}")
        hub.set_visibility(repository, "public")
        return commit.id

    async def _registered(self, client: ChainClient, names: list[str]) -> dict[str, int]:
        known = (await client.metagraph(NETUID, (await client.head())[0])).hotkeys
        for name in names:
            if self._actor(name, 0).hotkey not in known:
                await client.register(self._wallet(name), NETUID)
        graph = await client.metagraph(NETUID, (await client.head())[0])
        return {name: graph.hotkeys.index(self._actor(name, 0).hotkey) for name in names}

    async def _set_weights(self, client: ChainClient) -> None:
        """As their newest records say."""
        hotkeys = {actor.hotkey: actor.uid for actor in self.synthetic.competitors}
        for watcher in self.synthetic.watchers:
            weights = {
                hotkeys[hotkey]: weight
                for hotkey, weight in self.synthetic.weights[watcher.name].items()
                if weight > 1e-4
            }
            await client.set_weights(self._wallet(watcher.name), NETUID, weights)

    def _advance(self) -> None:
        with EmbeddedChain(self.folder) as chain:
            answer = chain.runtime_api(
                chain.head(), "SubnetInfoRuntimeApi", "get_next_epoch_start_block", (NETUID,)
            )
            chain.advance(max(int(str(answer)) - chain.head(), 1))

    def _asked(self, use: Callable[[ChainClient], Awaitable[Answer]]) -> Answer:
        async def run() -> Answer:
            async with await connect(f"embedded:{self.folder}") as client:
                return await use(client)

        return asyncio.run(run())

    def _wallet(self, name: str):
        return open_wallet(name, self.folder / "wallets")

    def _actor(self, name: str, uid: int) -> Actor:
        return Actor(name, uid, self._wallet(name).hotkey)


def write_benchmark(folder: Path) -> None:
    """What `iota benchmark --out` leaves, for two models."""
    results = [
        {"model": model, "task": task, "metrics": {metric: {"value": value, "stderr": None}}}
        for model, share in (("miner-1", 1.0), ("miner-2", 0.9))
        for task, metric, value in (
            ("invoices", "exact_match", 0.41 * share),
            ("prose", "perplexity", 7.2 / share),
        )
    ]
    place = folder / "benchmark"
    place.mkdir(exist_ok=True)
    (place / "benchmark.json").write_bytes(msgspec.json.encode({"results": results}))
