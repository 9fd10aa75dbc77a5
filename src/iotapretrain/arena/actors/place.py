"""Where a cheat stands: its network, its folder, its wallet; and what everybody there can do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.chain.wallets import existing_wallet
from iotapretrain.competition.records.find_model import find_model
from iotapretrain.errors import InputError, SubmissionError
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import model_hash
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.observe.events import Acted
from iotapretrain.observe.sink import Lines
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from iotapretrain.rules.competition.schedule import Competition

LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Place:
    """One miner of a network on this machine; its name is its wallet's and its namespace's."""

    network: Path
    name: str
    competition: Competition
    netuid: int = 1

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.network / "miners" / self.name

    @property
    def cache(self) -> Cache:
        """The models that it has fetched."""
        return Cache(self.folder / "cache")

    def tell(self, what: str, why: str) -> None:
        """Say what it does, for whoever watches the network."""
        sink = Lines(self.folder / "records.jsonl")
        source = f"miner:{self.name}"
        sink.emit(Acted(time=time.time(), source=source, actor=self.name, what=what, why=why))
        sink.close()

    async def wait_for_victim(self, client: ChainClient) -> Path:
        """The model that looks best to everybody, as soon as there is one."""
        hub = open_hub(f"folder:{self.network / 'hub'}", self.name)
        while True:
            try:
                found = await find_model(client, hub, self.netuid, self.competition)
            except InputError:  # nobody has published yet
                await asyncio.sleep(LOOK_SECONDS)
                continue
            limit = self.competition.constraints.max_bytes
            return fetch(hub, found.commit, self.cache, max_bytes=limit).folder

    async def publish_unasked(self, client: ChainClient, folder: Path) -> None:
        """Upload and commit without any of the checks that an honest miner's tools make."""
        hub = open_hub(f"folder:{self.network / 'hub'}", self.name)
        commit = hub.publish(ModelFolder.scan(folder), RepositoryId(self.name, "nano"), "a model")
        hub.set_visibility(commit.repository, "public")
        limit = self.competition.constraints.max_bytes
        digest = model_hash(fetch(hub, commit, self.cache, max_bytes=limit))
        wallet = existing_wallet(self.name, self.network / "wallets")
        hotkey = str(wallet.hotkey.ss58_address)
        commitment = Commitment(
            *(self.name, "nano", commit.id, secure_hash(digest, hotkey)), self.competition.models
        )
        while True:
            try:
                await client.commit(wallet, self.netuid, commitment.text.encode())
            except SubmissionError as error:
                if error.code != "rate_limited":
                    raise
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return

    async def client(self) -> ChainClient:
        """An open connection to the network."""
        return await connect(f"embedded:{self.network}")
