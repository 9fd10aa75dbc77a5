"""Where these tests publish: a small chain, a miner with a place on it, and ways to look."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.entries import ClockSettings
from iotapretrain.cli.workplace import find_scheduled
from iotapretrain.competition.publishing.checks_before import Inspector
from iotapretrain.competition.publishing.offer import Offer
from iotapretrain.competition.publishing.run import Publication, Publisher
from iotapretrain.hub.protocol import Hub, RepositoryId
from iotapretrain.observe.events import Published
from iotapretrain.observe.read_records import read_events
from tests.chain.worlds import PARAMETERS, genesis, hotkey, keys, make_chain

MINER = "miner-1"
OTHER = "miner-2"
REPOSITORY = RepositoryId("alice", "nano")
RATE_LIMIT = 30
BLOCK_MS = 20
"""A transaction that may be on its way is waited for during some blocks."""
FACTS = {
    "origin": f"hub:bob/older@{'0' * 40}",
    "tokens": "1000000",
    "held_out_loss": "2.500000",
    "training_data": '[{"source": "python-docs", "revision": "3.11", "share": 1.0}]',
}


def write_run(folder: Path, seed: int = 1, facts: dict[str, str] | None = None) -> Path:
    """A run with a model in it, which looks like one as long as no weight is examined."""
    model = folder / "model"
    model.mkdir(parents=True)
    content = Random(seed).randbytes(40_000)
    header = json.dumps(
        {
            "__metadata__": FACTS if facts is None else facts,
            "weight": {"dtype": "F32", "shape": [10_000], "data_offsets": [0, 40_000]},
        }
    ).encode()
    header += b" " * (-len(header) % 8)
    weights = len(header).to_bytes(8, "little") + header + content
    (model / "model.safetensors").write_bytes(weights)
    (model / "config.json").write_text('{"model_type": "llama"}')
    (folder / "records.jsonl").touch()
    return model


def offer(model: Path, repository: RepositoryId = REPOSITORY, name: str = "tiny/nano") -> Offer:
    schedule, competition = find_scheduled(name)
    return Offer(model, repository, competition, schedule, netuid=1)


async def make_network(folder: Path, kind: str = "manual") -> EmbeddedChain:
    """A chain on which two miners have a place."""
    settings = ClockSettings("wall" if kind == "wall" else "manual", BLOCK_MS)
    parameters = replace(PARAMETERS, commitment_rate_limit=RATE_LIMIT)
    now = int(time.time() * 1000)
    chain = make_chain(folder, genesis(parameters), settings, start_ms=now)
    async with await connect(f"embedded:{folder}") as client:
        for name in (MINER, OTHER):
            await client.register(keys(name), 1)
    return chain


@dataclass
class Place:
    """A miner's publisher, and how to look at what it did."""

    chain: EmbeddedChain
    client: ChainClient
    hub: Hub
    stranger: Hub
    miner: str = MINER
    inspect: Inspector = lambda _folder: ()
    said: list[str] = field(default_factory=list)

    async def publish(self, wanted: Offer, wait: bool = False) -> Publication:
        publisher = Publisher(
            self.client, keys(self.miner), self.hub, self.inspect, time.time, self.said.append
        )
        return await publisher.publish(wanted, wait)

    def commitments_sent(self) -> int:
        """How often the chain took one of this miner."""
        return self.chain.nonce(hotkey(self.miner))


@asynccontextmanager
async def opened(
    folder: Path, hub_as: Callable[[str | None], Hub], kind: str = "manual"
) -> AsyncIterator[Place]:
    with await make_network(folder, kind) as chain:
        async with await connect(f"embedded:{folder}") as client:
            yield Place(chain, client, hub_as("alice"), hub_as(None))


def announcements(model: Path) -> list[Published]:
    events = read_events(model.parent / "records.jsonl")
    return [event for event in events if isinstance(event, Published)]


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its hash."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Interrupted:
    """Anything, whose every call is counted by `strike` before it is made and after it."""

    def __init__(self, inner: Any, strike: Callable[[str], None]) -> None:
        self._inner, self._strike = inner, strike

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._strike(f"before {name}")
            answer = found(*arguments, **named)
            if not hasattr(answer, "__await__"):
                self._strike(f"after {name}")
                return answer
            return self._finished(name, answer)

        return call

    async def _finished(self, name: str, answer: Any) -> Any:
        done = await answer
        self._strike(f"after {name}")
        return done
