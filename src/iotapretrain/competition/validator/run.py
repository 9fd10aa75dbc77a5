"""A validator put together: `iota validate` is this, in the world of its command line.

with open_score(state, Scoring()) as score:
    await validate(settings, client, wallet, World(hub, score, sink, …))
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from iotapretrain import __version__
from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.competition.validator.behaviours import Behaviours
from iotapretrain.competition.validator.build_record import Author
from iotapretrain.competition.validator.fingerprints import Prints
from iotapretrain.competition.validator.inspect_models import Fetcher, Inspector
from iotapretrain.competition.validator.inspection_loop import Looker
from iotapretrain.competition.validator.journal import Memory, Order, open_memory
from iotapretrain.competition.validator.publish_records import Publisher, Shelf
from iotapretrain.competition.validator.round_texts import Texts
from iotapretrain.competition.validator.score_field import Measurer, Score
from iotapretrain.competition.validator.settings import Settings
from iotapretrain.competition.validator.validator import Means, Validator
from iotapretrain.data import page_cache as text_cache
from iotapretrain.errors import HubError, InputError
from iotapretrain.hub import model_cache
from iotapretrain.hub.protocol import Commit, Hub
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.net.retry import Clock, Patience
from iotapretrain.observe import events
from iotapretrain.observe.sink import Sink
from iotapretrain.rules.competition.validator.decide import Begin
from iotapretrain.store.journal import Journal

if TYPE_CHECKING:
    from bittensor import Wallet

SALT_BITS = 63
INSPECTION = Budget(seconds=300.0)
"""What looking through one model's files may take: about ten seconds a gigabyte."""


def _nobody(_signed: SignedRound) -> None:
    """Whoever wants to know what became public gives a function of his own."""


@dataclass(frozen=True)
class World:
    """All that is outside, but for the chain. `worker` opens models to inspect them, on one thread;
    `published` hears of every record that is public.
    """

    hub: Hub
    score: Score
    worker: Worker
    sink: Sink
    models: model_cache.Cache
    texts: text_cache.Cache
    patience: Patience = field(default_factory=lambda: Patience(tries=4, seconds=60.0))
    published: Callable[[SignedRound], None] = _nobody
    clock: Clock = time.time
    rng: Random = field(default_factory=Random)


async def validate(settings: Settings, client: ChainClient, wallet: Wallet, world: World) -> int:
    """Validate until done, or until cancelled; how many rounds the journal holds then.

    Everything that was written down survives a kill at any instant: the same call goes on.
    """
    author = await _author(settings, client, wallet)
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as opened:
        journal, memory = open_memory(
            settings.journal_place, author.network, author.netuid, author.validator
        )
        opened.enter_context(journal)
        opened.enter_context(memory)
        memory.execute(Order(Begin(author.code_version, secrets.randbits(SALT_BITS))))
        means = _means(settings, client, wallet, world, author, journal, memory)
        started = events.ValidatorStarted(
            time=world.clock(),
            source=f"validator:{author.validator}",
            network=client.network,
            netuid=settings.netuid,
            version=author.code_version,
            rounds=memory.state.rounds,
        )
        world.sink.emit(started)
        return await Validator(settings, means).run()


async def _author(settings: Settings, client: ChainClient, wallet: Wallet) -> Author:
    hotkey = wallet.hotkeypub.ss58_address
    metagraph = await client.metagraph(settings.netuid)
    if metagraph.uid(hotkey) is None:
        raise InputError(
            f"{hotkey} is not registered on subnet {settings.netuid};"
            " register it with `iota chain register`"
        )
    genesis = await client.block_hash(0)
    return Author(__version__, genesis.hex(), settings.netuid, hotkey, settings.schedule_digest)


def _means(
    settings: Settings,
    client: ChainClient,
    wallet: Wallet,
    world: World,
    author: Author,
    journal: Journal,
    memory: Memory,
) -> Means:
    fetcher = Fetcher(world.hub, world.models, world.patience)
    looker = Looker(fetcher, Inspector(world.worker, Prints(settings.state / "prints")))
    texts = Texts(world.texts)
    behaviours = Behaviours(settings.state / "behaviours")
    return Means(
        client=client,
        wallet=wallet,
        memory=memory,
        looker=looker,
        texts=texts,
        measurer=Measurer(looker, texts, world.models, world.score, behaviours, rng=world.rng),
        publisher=_publisher(settings, world, author, journal, memory),
        author=author,
        sink=world.sink,
        clock=world.clock,
        rng=world.rng,
    )


def _publisher(
    settings: Settings, world: World, author: Author, journal: Journal, memory: Memory
) -> Publisher:
    source = f"validator:{author.validator}"

    def published(signed: SignedRound, commit: Commit) -> None:
        event = events.RecordPublished(
            time=world.clock(),
            source=source,
            round=signed.record.round,
            digest=signed.digest,
            repository=str(commit.repository),
            commit=commit.id,
        )
        world.sink.emit(event)
        world.published(signed)

    def refused(error: HubError, seconds: float) -> None:
        what = "publishing a record"
        world.sink.emit(
            events.Waiting(
                time=world.clock(), source=source, what=what, reason=str(error), seconds=seconds
            )
        )

    shelf = Shelf(world.hub, settings.repository, settings.state)
    return Publisher(shelf, journal, memory, published, refused)
