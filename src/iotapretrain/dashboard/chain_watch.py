"""The chain into the index: every epoch that passes, and those before the start."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import final

from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.chain.metagraph import Metagraph
from iotapretrain.competition.records.committed import Ground
from iotapretrain.competition.records.opinions import network_id
from iotapretrain.competition.records.trails import Places
from iotapretrain.dashboard.hub_admission import ever_permitted
from iotapretrain.dashboard.hub_rounds import Publishers
from iotapretrain.dashboard.index import Index, insert
from iotapretrain.errors import ChainError, InputError, StoreError

_log = logging.getLogger(__name__)

EPOCHS_BACK = 60
COLUMNS = {
    "stake": "stake",
    "emission": "emission",
    "incentive": "incentive",
    "dividends": "dividends",
    "consensus": "consensus",
    "trust": "validator_trust",
    "permit": "validator_permit",
    "updated": "last_update",
}
"""Of the index, by what the metagraph calls them."""


@final
class ChainWatch:
    """Reads one subnet through one client. `problem` says why the chain cannot be read, if so."""

    def __init__(self, index: Index, network: str, netuid: int) -> None:
        self.network, self.netuid = network, netuid
        self.block: int | None = None
        self.problem: str | None = "the chain has not been read yet"
        self.ended: int | None = None
        """The last block of all, of a network that has ended."""
        self._index = index
        self._client: ChainClient | None = None
        self._newest: tuple[int, int] | None = None
        self._past: list[int] | None = None
        self._graph: Metagraph | None = None
        self._places = Places()

    async def look(self) -> bool:
        """Read and keep the newest block; whether anything but its number is new."""
        try:
            client = await self._connected()
            block, _ = await client.head()
            self.ended = await client.ended()
            if block == self.block:
                self.problem = None
                return False
            graph = await client.metagraph(self.netuid, block)
            weights = await client.weights(self.netuid, block)
        except (ChainError, InputError, StoreError) as error:
            self.problem = str(error)
            return False
        self.block, self.problem, self._graph = block, None, graph
        return self._keep(graph, weights)

    async def publishers(self) -> Publishers | None:
        """Who publishes where; None where the chain does not answer, or before its epochs of the
        past were read, which say who had a permit."""
        if self._client is None or self._graph is None or self._past != []:
            return None
        try:
            commitments = await self._client.commitments(self.netuid)
            ground = Ground(self._graph, commitments)
            permitted = sorted(ever_permitted(self._index))
            trails = await self._places.of(self._client, ground, permitted)
            network = await network_id(self._client)
        except (ChainError, InputError, StoreError) as error:
            _log.info("commitments cannot be read now: %s", error)
            return None
        repositories = {hotkey: trail.repositories for hotkey, trail in trails.items()}
        return Publishers(network, self.netuid, commitments, repositories)

    async def look_back(self) -> bool:
        """Read and keep an epoch of before the start, the newest first; whether there was one."""
        if not self._past or self._client is None:
            return False
        try:
            self._keep_epoch(await self._client.metagraph(self.netuid, self._past.pop()))
        except (ChainError, InputError, StoreError) as error:
            _log.info("older epochs cannot be read: %s", error)
            self._past = []
            return False
        return True

    def _keep(self, graph: Metagraph, weights: Mapping[int, Mapping[int, float]]) -> bool:
        state = graph.last_step, hash((graph.hotkeys, graph.stake.tobytes(), str(weights)))
        if state == self._newest:
            return False
        self._newest = state
        if self._past is None:
            steps = range(1, EPOCHS_BACK + 1)
            before = [graph.last_step - n * (graph.tempo + 1) for n in steps]
            self._past = [block for block in reversed(before) if block > 0]
        self._keep_epoch(graph)
        rows = [
            {"validator": validator, "uid": uid, "weight": weight}
            for validator, row in weights.items()
            for uid, weight in row.items()
        ]
        with self._index.batch() as batch:
            batch.execute("DELETE FROM chain_weights")
            insert(batch, "chain_weights", rows)
        return True

    def _keep_epoch(self, graph: Metagraph) -> None:
        """One row a uid, under the block of the epoch that computed it."""
        columns = {"uid": range(len(graph)), "hotkey": graph.hotkeys}
        columns |= {column: getattr(graph, name).tolist() for column, name in COLUMNS.items()}
        with self._index.batch() as batch:
            batch.execute("DELETE FROM epochs WHERE block = ?", (graph.last_step,))
            rows = zip(*columns.values(), strict=True)
            epoch = {"block": graph.last_step}
            insert(batch, "epochs", [epoch | dict(zip(columns, row, strict=True)) for row in rows])

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> ChainClient:
        if self._client is None:
            self._client = await connect(self.network)
        return self._client
