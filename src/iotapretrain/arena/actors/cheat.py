"""A cheat as a process: waits for somebody's good model, makes something of it, and publishes that.

python -m iotapretrain.arena.actors.cheat KIND NETWORK NAME COMPETITIONS COMPETITION
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from iotapretrain.arena.actors.forger import forge
from iotapretrain.arena.actors.tricks import (
    EXPLODING,
    VANISHING,
    babble,
    copy,
    copy_with_noise,
    punch_hole,
    sabotage,
)
from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.chain.wallets import existing_wallet
from iotapretrain.competition.records.find_model import find_model
from iotapretrain.data.outcome import round_text
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError, SubmissionError
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import Model, model_hash
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId
from iotapretrain.observe.events import Acted
from iotapretrain.observe.sink import open_sinks
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.schedule_file import parse

SEED = 7
PAGES = 16
LOOK_SECONDS = 1.0

Trick = Callable[[Path, Path, torch.Tensor], Path]
"""From somebody's model to one's own, in a new folder; given ordinary text."""


class Kind(NamedTuple):
    """A trick, what it looks like from outside, and the verdicts that are meant for it."""

    trick: Trick
    what: str
    why: str
    caught_by: tuple[str, ...]


UNTRAINABLE = "its loss is as good as the original's, but nobody could train on from it"
KINDS: Mapping[str, Kind] = {
    "copycat": Kind(
        lambda source, target, _: copy(source, target),
        "publishes somebody else's bytes as its own",
        "who was first is on the chain, so a copy is worth nothing",
        ("copy",),
    ),
    "noisy-copycat": Kind(
        lambda source, target, _: copy_with_noise(source, target, SEED),
        "publishes somebody else's model with a little noise on it",
        "another digest, but the same tensors: fingerprints tell",
        ("near-copy",),
    ),
    "forger": Kind(
        forge,
        "publishes somebody else's model with numbers in its head that cancel unless they round",
        "labels would look likelier than they are; float64 tells",
        ("forged",),
    ),
    "vanishing": Kind(
        lambda source, target, pages: sabotage(source, target, VANISHING, pages),
        "publishes a model whose gradients vanish",
        UNTRAINABLE,
        ("sabotage", "near-copy"),
    ),
    "exploding": Kind(
        lambda source, target, pages: sabotage(source, target, EXPLODING, pages),
        "publishes a model whose gradients explode",
        UNTRAINABLE,
        ("sabotage", "near-copy"),
    ),
    "babbler": Kind(
        lambda source, target, _: babble(source, target, SEED),
        "publishes a model that repeats itself",
        "it has the right shape and knows nothing",
        ("unreasonable",),
    ),
    "not-a-number": Kind(
        lambda source, target, _: punch_hole(source, target),
        "publishes a model with a weight that is no number",
        "no comparison with NaN is ever true, which once took a whole subnet's pay",
        ("not-finite",),
    ),
}


@dataclass(frozen=True)
class Cheater:
    """One miner of a network on this machine; its name is its wallet's and its namespace's."""

    network: Path
    name: str
    competition: Competition
    netuid: int = 1

    @property
    def folder(self) -> Path:
        return self.network / "miners" / self.name

    @property
    def hub(self) -> Hub:
        """The network's, as its own namespace."""
        return open_hub(f"folder:{self.network / 'hub'}", self.name)

    def fetched(self, commit: Commit) -> Model:
        """A model of the hub, here."""
        cache, limit = ModelCache(self.folder / "cache"), self.competition.constraints.max_bytes
        return fetch(self.hub, commit, cache, max_bytes=limit)

    async def wait_for_victim(self, client: ChainClient) -> Path:
        """The model that looks best to everybody, as soon as there is one."""
        while True:
            try:
                found = await find_model(client, self.hub, self.netuid, self.competition)
            except InputError:  # nobody has published yet
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return self.fetched(found.commit).folder

    async def publish_unasked(self, client: ChainClient, folder: Path) -> None:
        """Upload and commit without any of the checks that an honest miner's tools make."""
        hub = self.hub
        commit = hub.publish(ModelFolder.scan(folder), RepositoryId(self.name, "nano"), "a model")
        hub.set_visibility(commit.repository, "public")
        wallet = existing_wallet(self.name, self.network / "wallets")
        bound = secure_hash(model_hash(self.fetched(commit)), str(wallet.hotkey.ss58_address))
        commitment = Commitment(self.name, "nano", commit.id, bound, self.competition.models)
        while True:
            try:
                await client.commit(wallet, self.netuid, commitment.text.encode())
            except SubmissionError as error:
                if error.code != "rate_limited":
                    raise
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return


async def cheat(kind: Kind, cheater: Cheater) -> None:
    """Wait, make, publish, and say so for whoever watches the network."""
    async with await connect(f"embedded:{cheater.network}") as client:
        victim = await cheater.wait_for_victim(client)
        model = kind.trick(victim, cheater.folder / "model", _pages(cheater))
        await cheater.publish_unasked(client, model)
    done = Acted(
        time=time.time(),
        source=f"miner:{cheater.name}",
        actor=cheater.name,
        what=kind.what,
        why=kind.why,
    )
    with open_sinks(cheater.folder / "records.jsonl") as sink:
        sink.emit(done)


def _pages(cheater: Cheater) -> torch.Tensor:
    """Ordinary text for the tricks that need some."""
    constraints = cheater.competition.constraints
    text = round_text(
        cheater.competition.tasks,
        cheater.competition.models,
        SEED,
        constraints.sequence_length,
        load_tokenizer(constraints.tokenizer),
        PageCache(cheater.folder / "pages"),
    )
    rows = next(iter(text.batches.values())).sequences[:PAGES]
    return torch.from_numpy(rows).long()


def main(kind: str, network: str, name: str, competitions: str, competition: str) -> None:
    schedule = parse(Path(competitions).read_text(encoding="utf-8"), competitions)
    chosen = next(each for each in schedule.competitions if each.name == competition)
    asyncio.run(cheat(KINDS[kind], Cheater(Path(network), name, chosen)))


if __name__ == "__main__":
    main(*sys.argv[1:])
