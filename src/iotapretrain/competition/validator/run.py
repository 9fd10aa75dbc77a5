"""A validator put together: `iota validate` is this, in the world of its command line.

with open_score(state, Scoring()) as score:
    await validate(settings, client, wallet, World(hub, score, sink, …))
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from iotapretrain import __version__
from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.records.committed import model_commitment, read_ground
from iotapretrain.competition.validator.build_record import Author
from iotapretrain.competition.validator.journal import Order, open_memory
from iotapretrain.competition.validator.on_chain import model_stays
from iotapretrain.competition.validator.score_field import Score
from iotapretrain.competition.validator.settings import Settings, World
from iotapretrain.competition.validator.validator import Validator
from iotapretrain.data.outcome import RoundText
from iotapretrain.errors import InputError
from iotapretrain.models.worker import Budget
from iotapretrain.observe import events
from iotapretrain.rules.competition.race import Race
from iotapretrain.rules.competition.validator.journal_records import Begun
from iotapretrain.scoring.jobs import Executor
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache
from iotapretrain.scoring.ray_pool import RayPool

if TYPE_CHECKING:
    from bittensor import Wallet

SALT_BITS = 63
LOSSES = "losses.sqlite"
INSPECTION = Budget(seconds=300.0)
"""What looking through one model's files may take: about ten seconds a gigabyte."""


@dataclass(frozen=True)
class Scoring:
    """Where scoring runs, how wide, and within which limits for a model."""

    workers: int = 1
    race: bool = True
    ray: str | None = None
    budget: Budget = field(default_factory=Budget)


@contextmanager
def open_score(state: Path, scoring: Scoring) -> Iterator[Score]:
    """A way to score that lasts for many rounds, on workers of this machine or of a cluster, which
    end with the block.
    """
    with ExitStack() as opened:
        losses = opened.enter_context(LossCache(state / LOSSES))
        executor: Executor
        if scoring.ray is None:
            executor = opened.enter_context(LocalPool(scoring.workers, scoring.budget))
        else:
            executor = opened.enter_context(RayPool(scoring.ray, scoring.workers, scoring.budget))
        race = Race() if scoring.race else None

        def score(contenders: Sequence[Contender], text: RoundText, terms: Terms) -> Evaluated:
            probe = terms.competition.constraints.trainable
            return evaluate(contenders, text, terms, executor, losses, race, probe)

        yield score


async def validate(settings: Settings, client: ChainClient, wallet: Wallet, world: World) -> int:
    """Validate until done, or until cancelled; how many rounds the journal holds then.

    Everything that was written down survives a kill at any instant: the same call goes on.
    """
    author = await _author(settings, client, wallet)
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal, memory = open_memory(
        settings.journal_place, author.network, author.netuid, author.validator
    )
    with journal, memory:
        memory.execute(Order(Begun(author.code_version, secrets.randbits(SALT_BITS))))
        validator = Validator(settings, world, client, wallet, author, journal, memory)
        validator.say(
            events.ValidatorStarted,
            network=client.network,
            netuid=settings.netuid,
            version=author.code_version,
            rounds=memory.state.rounds,
        )
        return await validator.run()


async def _author(settings: Settings, client: ChainClient, wallet: Wallet) -> Author:
    hotkey = wallet.hotkeypub.ss58_address
    ground = await read_ground(client, settings.netuid)
    if ground.metagraph.uid(hotkey) is None:
        raise InputError(
            f"{hotkey} is not registered on subnet {settings.netuid};"
            " register it with `iota chain register`"
        )
    if model_commitment(ground.text(hotkey)) is not None:
        raise InputError(model_stays(hotkey))
    genesis = await client.block_hash(0)
    return Author(__version__, genesis.hex(), settings.netuid, hotkey, settings.schedule_digest)
