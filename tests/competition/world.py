"""A whole competition in a folder: an embedded chain, a folder hub, tiny models, true records.

    async with opened(tmp_path, worker) as world:
        await world.commit("miner-1", world.model(1.0))
        signed = await world.round("validator-1")

Rounds are what an honest validator publishes, made here from the rules alone, so that whatever
reads records can be tested without one; a test falsifies them with `msgspec.structs.replace` and
publishes the forgery with `world.publish`.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from blake3 import blake3

from iotapretrain.chain.client import ChainClient, connect
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.competition.audit.recomputed_losses import score_pages
from iotapretrain.competition.evaluation.round_pages import read_text, task_records
from iotapretrain.competition.records.committed import CommittedModel, read_ground
from iotapretrain.competition.records.opinions import network_id
from iotapretrain.competition.records.public_rounds import publish_round, rounds_commitment
from iotapretrain.competition.records.round_field import field_of
from iotapretrain.competition.records.round_record import (
    ModelRecord,
    RoundRecord,
    SignedRound,
    TaskRecord,
    seal,
)
from iotapretrain.data.batches import Batch
from iotapretrain.data.page_cache import PageCache as TextCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import model_hash
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache as ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import RepositoryId
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from iotapretrain.rules.competition.schedule import Competition, Schedule
from iotapretrain.rules.competition.schedule_file import parse
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.task_score import aggregate, task_mean
from iotapretrain.rules.competition.tournament import NoResult, play
from iotapretrain.rules.sampling import sync_block
from tests.chain.worlds import changed as changed_chain
from tests.chain.worlds import hotkey, keys, make_chain
from tests.models import zoo

changed = msgspec.structs.replace

NETUID = 1
DELAY = 2
SCHEDULE = """
sync_cadence = 5

[architectures]
small = ["GPT2LMHeadModel"]

[tasks]
both = [
    { name = "PROSE", dataset = "python-docs", pages = 2, sequences = 6, weight = 0.7 },
    { name = "CODE", dataset = "python-code", pages = 2, sequences = 6, weight = 0.3 },
]
code = [{ name = "CODE", dataset = "python-code", pages = 2, sequences = 6, weight = 1.0 }]

[[competition]]
name = "mini"
id = 0
parameters = [10_000, 100_000]
sequence_length = 64
tokenizer = "bytes"
max_bytes = 1_000_000
architectures = "small"
dtype = "float32"
epsilon = { type = "linear", start = 0.05, end = 0.005, decay_blocks = 45 }
eval_block_delay = 2

    [[competition.active]]
    from = 0
    share = 0.6
    tasks = "both"

[[competition]]
name = "mini-code"
id = 1
models = "mini"
epsilon = { type = "linear", start = 0.05, end = 0.005, decay_blocks = 45 }
eval_block_delay = 2

    [[competition.active]]
    from = 0
    share = 0.4
    tasks = "code"
"""


@dataclass
class World:
    """The network, and hands to play every role in it."""

    folder: Path
    chain: EmbeddedChain
    client: ChainClient
    hub: FolderHub
    worker: Worker
    schedule_text: str = SCHEDULE
    newest: dict[str, SignedRound] = field(default_factory=dict)
    """The newest record of each validator."""

    @property
    def network(self) -> str:
        """How the command line names it."""
        return str(self.folder / "net")

    @property
    def schedule_file(self) -> Path:
        return self.folder / "mini.toml"

    @property
    def text(self) -> TextCache:
        return TextCache(self.folder / "text")

    @property
    def models(self) -> ModelCache:
        return ModelCache(self.folder / "models")

    @property
    def schedule(self) -> Schedule:
        return parse(self.schedule_text, "mini.toml")

    @property
    def competition(self) -> Competition:
        return self.schedule.competitions[0]

    @property
    def most_bytes(self) -> int:
        return self.competition.constraints.max_bytes

    @property
    def limits(self) -> Limits:
        constraints = self.competition.constraints
        return Limits(constraints, load_tokenizer(constraints.tokenizer).vocabulary)

    def model(self, scale: float, seed: int = 0) -> Path:
        """A model whose loss grows with `scale`, smoothly: the factor of its random logits.

        Its dimensions are in an order of its own, or all models would be near-copies.
        """
        network = zoo.network("GPT2LMHeadModel", seed)
        with torch.no_grad():
            for parameter in network.transformer.ln_f.parameters():
                parameter.mul_(scale)
            _reorder(network, seed=hash(scale) % 2**31)
        return zoo.save(network, self.folder / "made" / f"{seed}-{scale:.9g}")

    async def advance(self, blocks: int) -> int:
        """Let empty blocks pass."""
        head = self.chain.advance(blocks)
        return await self.client.wait_for_block(head, timeout=10)

    async def to_block(self, block: int) -> int:
        """Let blocks pass until this one."""
        return await self.advance(block - self.chain.head())

    async def to_epoch(self) -> int:
        """Let blocks pass until the next epoch has run."""
        return await self.to_block(await self.client.sdk.epochs.next_epoch_start_block(NETUID))

    async def commit(self, name: str, model: Path, competition: int = 0) -> Commitment:
        """A registered miner publishes a model and commits it."""
        graph = await self.client.metagraph(NETUID, self.chain.head())
        if graph.uid(hotkey(name)) is None:
            await self.client.register(keys(name), NETUID)
        repository = RepositoryId(name, f"model-{self.chain.head()}")
        owned = FolderHub(self.folder / "hub", name)
        commit = owned.publish(ModelFolder.scan(model), repository, "A model")
        owned.set_visibility(repository, "public")
        found = fetch(owned, commit, self.models, max_bytes=self.most_bytes)
        bound = secure_hash(model_hash(found), hotkey(name))
        text = Commitment(repository.namespace, repository.name, commit.id, bound, competition)
        await self.client.commit(keys(name), NETUID, text.text.encode())
        return text

    def losses(
        self, model: CommittedModel, batches: Mapping[str, Batch]
    ) -> dict[str, tuple[float | None, ...]]:
        """What a model loses on the text of a round, page by page."""
        folder = fetch(self.hub, model.commit, self.models, max_bytes=self.most_bytes).folder
        pages = [page for batch in batches.values() for page in batch.pages]
        found = iter(score_pages(folder, self.limits, self.worker, pages))
        return {name: tuple(next(found) for _ in batch.pages) for name, batch in batches.items()}

    async def record(self, validator: str, competition: Competition | None = None) -> RoundRecord:
        """What an honest validator says of all models at the newest block."""
        competition = competition or self.competition
        ground = await read_ground(self.client, NETUID)
        schedule = self.schedule
        synced = sync_block(ground.block, schedule.sync_cadence)
        seed_hash = (await self.client.block_hash(synced)).hex()
        tokenizer = load_tokenizer(competition.constraints.tokenizer)
        text = read_text(competition, seed_hash, tokenizer, self.text)
        batches = text.batches
        models = [
            self._model(model, competition, batches)
            for model in ground.models(competition.models)
            if ground.block - model.block >= competition.eval_block_delay
        ]
        before = self.newest.get(validator)
        empty = RoundRecord(
            code_version="test",
            network=await network_id(self.client),
            netuid=NETUID,
            validator=hotkey(validator),
            round=1 if before is None else before.record.round + 1,
            previous=None if before is None else before.digest,
            competition=competition.id,
            competition_name=competition.name,
            schedule_digest=blake3(self.schedule_text.encode()).hexdigest(),
            block=ground.block,
            sync_block=synced,
            seed_hash=seed_hash,
            tasks=task_records(competition.tasks, text),
            race=None,
            models=(),
            champion=None,
            standings={} if before is None else before.record.standings,
            weights={},
        )
        return self.decided(empty, models)

    def decided(self, record: RoundRecord, models: Sequence[ModelRecord]) -> RoundRecord:
        """The record with these models, and all that follows from their scores."""
        competition = self.schedule.competitions[record.competition]
        models, champion = _decided(record.tasks, models, competition, record.block)
        before = self.newest.get(_name(record.validator))
        known = {} if before is None else before.record.standings
        standings = Standings({int(number): each for number, each in known.items()})
        if champion is not None:
            step = {model.hotkey: model.weight for model in models}
            standings = standings.record(competition.id, step, competition.alpha)
        return changed(
            record,
            models=tuple(models),
            champion=champion,
            standings={
                str(number): dict(averages) for number, averages in standings.competitions.items()
            },
            weights=standings.merge(self.schedule.shares(record.block)),
        )

    def rescored(
        self, record: RoundRecord, model: ModelRecord, losses: Mapping[str, tuple[float, ...]]
    ) -> ModelRecord:
        """The model with other losses, and the score that follows from them."""
        counts = {task.name: [page.sequences for page in task.pages] for task in record.tasks}
        raw = {name: task_mean(own, counts[name]) for name, own in losses.items()}
        total = aggregate(self.schedule.competitions[record.competition].tasks, raw)
        score = None if total is None else total.value
        scores = {name: loss for name, loss in raw.items() if loss is not None}
        return changed(model, losses=dict(losses), score=score, task_scores=scores)

    async def round(self, validator: str, competition: Competition | None = None) -> SignedRound:
        """An honest round: recorded, published, and its weights set on the chain."""
        signed = self.publish(validator, await self.record(validator, competition))
        await self.set_weights(validator, signed.record.weights)
        return signed

    def publish(self, validator: str, record: RoundRecord) -> SignedRound:
        """Sign and publish a record, true or false."""
        signed = self.sealed(validator, record)
        self.publish_signed(validator, signed)
        return signed

    def sealed(self, validator: str, record: RoundRecord) -> SignedRound:
        """Sign a record, and keep it to oneself."""
        return seal(record, lambda digest: bytes(keys(validator).hotkey.sign(digest)))

    def hide(self, model: ModelRecord) -> None:
        """Its owner closes the repository of a model, and nobody has its bytes any more."""
        commitment = Commitment.parse(model.commitment)
        owned = FolderHub(self.folder / "hub", commitment.namespace)
        repository = RepositoryId(commitment.namespace, commitment.name)
        owned.set_visibility(repository, "private")
        shutil.rmtree(self.models.root)

    def publish_signed(self, validator: str, signed: SignedRound) -> None:
        """Publish what is signed already, by whomever."""
        publish_round(FolderHub(self.folder / "hub", validator), rounds_of(validator), signed)
        self.newest[validator] = signed

    async def set_weights(self, validator: str, weights: Mapping[str, float]) -> None:
        """The validator's row on the chain, by hotkey."""
        graph = await self.client.metagraph(NETUID, self.chain.head())
        row = {graph.hotkeys.index(each): weight for each, weight in weights.items()}
        await self.client.set_weights(keys(validator), NETUID, row)

    def _model(
        self, model: CommittedModel, competition: Competition, batches: Mapping[str, Batch]
    ) -> ModelRecord:
        losses = self.losses(model, batches)
        raw = {
            name: task_mean(losses[name], [len(page.sequences) for page in batch.pages])
            for name, batch in batches.items()
        }
        total = aggregate(competition.tasks, raw)
        found = fetch(self.hub, model.commit, self.models, max_bytes=self.most_bytes)
        return ModelRecord(
            uid=model.uid,
            hotkey=model.hotkey,
            block=model.block,
            commitment=model.commitment.text,
            digest=model_hash(found),
            outcome=Outcome.EVALUATED,
            losses=losses,
            score=None if total is None else total.value,
            task_scores={name: loss for name, loss in raw.items() if loss is not None},
            pages_scored=sum(len(each) for each in losses.values()),
        )


@asynccontextmanager
async def opened(
    folder: Path, worker: Worker, schedule: str = SCHEDULE, uids: int = 8
) -> AsyncIterator[World]:
    """A world at its beginning, with both validators registered, and room for so many hotkeys."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mini.toml").write_text(schedule)
    hub = FolderHub(folder / "hub")
    with make_chain(folder / "net", changed_chain(max_allowed_uids=uids)) as chain:
        async with await connect(f"embedded:{folder / 'net'}") as client:
            world = World(folder, chain, client, hub, worker, schedule)
            for name in ("validator-1", "validator-2"):
                await client.register(keys(name), NETUID)
                await client.commit(keys(name), NETUID, rounds_commitment(rounds_of(name)).encode())
            await world.to_epoch()
            yield world


def _reorder(network: Any, seed: int) -> None:
    """Shuffle the dimensions of the residual stream, which changes no output."""
    width = network.config.n_embd
    order = torch.randperm(width, generator=torch.Generator().manual_seed(seed))
    body = network.transformer
    rows = [body.wte, body.wpe, body.ln_f]
    for block in body.h:
        rows += [block.ln_1, block.ln_2, block.attn.c_proj, block.mlp.c_proj]
        for reads in (block.attn.c_attn, block.mlp.c_fc):
            reads.weight.copy_(reads.weight[order])
    for module in rows:
        for parameter in module.parameters():
            parameter.copy_(parameter[..., order])


def rounds_of(validator: str) -> RepositoryId:
    """Where a validator publishes."""
    return RepositoryId(validator, "rounds")


def _name(address: str) -> str:
    return next(each for each in ("validator-1", "validator-2") if hotkey(each) == address)


def _decided(
    tasks: Sequence[TaskRecord], models: Sequence[ModelRecord], competition: Competition, block: int
) -> tuple[Sequence[ModelRecord], str | None]:
    """The models with what the tournament says of them, and the champion."""
    contest = field_of(tasks, models)
    outcome = play(contest, competition.rules, block)
    if isinstance(outcome, NoResult):
        return models, None
    decided = [
        changed(
            model,
            epsilon=float(outcome.epsilons[row]),
            wins=int(outcome.wins[row]),
            win_rate=float(outcome.win_rates[row]),
            weight=float(outcome.weights[row]),
        )
        for row, model in enumerate(models)
    ]
    champion = next(model.hotkey for model in decided if model.uid == outcome.winner)
    return decided, champion
