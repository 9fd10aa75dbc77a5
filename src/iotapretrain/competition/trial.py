"""Trying a model as validators would: inspected, and scored beside the champion on pages of now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.evaluation.round_pages import read_text
from iotapretrain.competition.records.committed import CommittedModel, Ground, read_ground
from iotapretrain.competition.records.find_model import bring
from iotapretrain.competition.records.opinions import Opinion, opinions_of
from iotapretrain.competition.records.prospect import Duel, Outlook, duel, prospect, rivals_of
from iotapretrain.competition.records.reign import champion_now
from iotapretrain.data.batches import Batch
from iotapretrain.data.documents import digest_of
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.page_cache import PageCache as TextCache
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.hub.fetched_model import model_hash
from iotapretrain.hub.model_cache import ModelCache as ModelCache
from iotapretrain.hub.protocol import Hub
from iotapretrain.models.admission import Inspection, fingerprint, inspect
from iotapretrain.models.copies import find_near_copy
from iotapretrain.models.header_checks import Facts, Limits
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Finding, Rejection, Verdict
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.sampling import seed_of, sync_block
from iotapretrain.scoring.jobs import Answer, Job, perform
from iotapretrain.scoring.loss_cache import LossCache, scoring_code


@dataclass(frozen=True)
class Scene:
    """A competition as it stands on the chain and in public records, and the seed of now."""

    competition: Competition
    ground: Ground
    opinions: tuple[Opinion, ...]
    sync_block: int
    seed_hash: str

    @property
    def champion(self) -> CommittedModel | None:
        return champion_now(self.ground, self.competition.models, self.opinions)

    def own(self, digest: str) -> CommittedModel | None:
        """The commitment to just these bytes, if somebody has made one."""
        models = self.ground.models(self.competition.models)
        return next((each for each in models if each.commitment.binds(digest, each.hotkey)), None)


@dataclass(frozen=True)
class TrialBench:
    """What a trial works with."""

    hub: Hub
    models: ModelCache
    text: TextCache
    losses: LossCache
    worker: Worker
    tokenizer: Tokenizer


@dataclass(frozen=True)
class TaskResult:
    """A task's pages, and both models' losses on them; None of whom was not scored."""

    name: str
    batch: Batch
    loss: float | None
    champions: float | None


@dataclass(frozen=True)
class Trial:
    """What came of it; with findings there is nothing else."""

    scene: Scene
    findings: tuple[Finding, ...]
    facts: Facts | None
    digest: str | None
    own: CommittedModel | None = None
    tasks: tuple[TaskResult, ...] = ()
    missing: tuple[str, ...] = ()
    duel: Duel | None = None
    prospect: Outlook | None = None


async def read_scene(
    client: ChainClient, hub: Hub, netuid: int, competition: Competition, cadence: int
) -> Scene:
    """Everything that a trial needs of the chain and of public records."""
    ground = await read_ground(client, netuid)
    opinions = await opinions_of(client, hub, ground, competition.id)
    synced = sync_block(ground.block, cadence)
    seed_hash = (await client.block_hash(synced)).hex()
    return Scene(competition, ground, tuple(opinions), synced, seed_hash)


def try_model(folder: Path, scene: Scene, bench: TrialBench) -> Trial:
    """Inspect a model, and score it beside the champion on the pages of the present seed."""
    competition = scene.competition
    limits = Limits(competition.constraints, bench.tokenizer.vocabulary)
    seen = _seen(folder, limits, bench)
    if seen.digest is None or not seen.verdict.admitted:
        return Trial(scene, seen.verdict.findings, seen.facts, seen.digest)
    own, champion = scene.own(seen.digest), scene.champion
    block = scene.ground.block + 1 if own is None else own.block
    contenders = [Contender("this model", 0, block, "", seen.digest, folder=folder)]
    if champion is not None and (own is None or own.commitment != champion.commitment):
        its = bring(champion, bench.hub, bench.models, limits.constraints.max_bytes)
        whose = (champion.hotkey, 1, champion.block, champion.commitment.text)
        contenders.append(Contender(*whose, model_hash(its), folder=its.folder))
        if copied := _copied(seen, contenders, champion.uid, limits, bench):
            return Trial(scene, (copied,), seen.facts, seen.digest, own)
    text = read_text(competition, scene.seed_hash, bench.tokenizer, bench.text)
    found = _evaluated(contenders, text, scene, bench)
    mine = found.models[0]
    if mine.record.score is None:
        return Trial(scene, mine.findings, seen.facts, seen.digest, own)
    met, ahead = _compared(found, scene, mine.record.score, own)
    return Trial(
        scene=scene,
        findings=(),
        facts=seen.facts,
        digest=seen.digest,
        own=own,
        tasks=tuple(_tasks(found, text)),
        missing=tuple(_missing(found, text, scene)),
        duel=met,
        prospect=ahead,
    )


def _seen(folder: Path, limits: Limits, bench: TrialBench) -> Inspection:
    """What the inspection says. Bytes that were admitted once are not examined again."""
    try:
        with open_folder(folder) as files:
            digest = files.digest()
            allowed = msgspec.json.encode((limits, files.all_bytes), order="sorted")
    except Rejection:
        return inspect(folder, limits, bench.worker)
    key = digest_of("admitted", digest, allowed, scoring_code())
    if (known := bench.losses.find([key]).get(key)) is not None:
        return Inspection(Verdict(()), msgspec.convert(known, Facts), digest)
    seen = inspect(folder, limits, bench.worker)
    if seen.verdict.admitted and seen.digest == digest:
        bench.losses.keep({key: msgspec.to_builtins(seen.facts)})
    return seen


def _copied(
    seen: Inspection, pair: Sequence[Contender], uid: int, limits: Limits, bench: TrialBench
) -> Finding | None:
    """Whether the model is the champion's but for noise, as when it was hardly trained on."""
    (own, other), name = pair, f"uid {uid}"
    key = digest_of("near-copy", own.digest, other.digest, name, scoring_code())
    known = bench.losses.find([key])
    if key not in known:
        try:
            theirs = replace(fingerprint(other.folder, limits, bench.worker), name=name)
        except Rejection:
            return None
        mine = seen.fingerprint or fingerprint(own.folder, limits, bench.worker).fingerprint
        known = {key: msgspec.to_builtins(find_near_copy(mine, [theirs]))}
        bench.losses.keep(known)
    return msgspec.convert(known[key], Finding | None)


def _evaluated(
    contenders: Sequence[Contender], text: RoundText, scene: Scene, bench: TrialBench
) -> Evaluated:
    terms = Terms(
        competition=scene.competition,
        vocabulary=bench.tokenizer.vocabulary,
        seed=seed_of(f"0x{scene.seed_hash}"),
        block=scene.ground.block,
        end=bench.tokenizer.end_id,
    )
    probe = scene.competition.constraints.trainable
    executor = _Alone(bench.worker)
    return evaluate(contenders, text, terms, executor, bench.losses, race=None, probe=probe)


def _compared(
    found: Evaluated, scene: Scene, loss: float, own: CommittedModel | None
) -> tuple[Duel | None, Outlook]:
    """The duel with the champion, where that is another model, and the place among all.

    A champion that fails on these pages would fail validators too: it is no part of the field.
    """
    competition, champion, now = scene.competition, scene.champion, scene.ground.block
    if champion is None or found.models[-1].record.score is None:
        return None, prospect(competition, [], loss, now, own)
    met = duel(competition, champion, found.field(), now) if len(found.models) > 1 else None
    told = scene.opinions[0].record.models if scene.opinions else ()
    rivals = rivals_of(told, champion, found.models[-1].record.score, own)
    return met, prospect(competition, rivals, loss, now, own)


def _missing(found: Evaluated, text: RoundText, scene: Scene) -> Iterator[str]:
    """What is not part of the comparison, and why."""
    yield from (each.sentence for each in text.missing)
    if scene.champion is not None and found.models[-1].record.score is None:
        reasons = "; ".join(finding.sentence for finding in found.models[-1].findings)
        yield f"the champion, uid {scene.champion.uid}, cannot be scored: {reasons}"


def _tasks(found: Evaluated, text: RoundText) -> Iterator[TaskResult]:
    for name, batch in text.batches.items():
        scores = [model.record.task_scores.get(name) for model in found.models]
        yield TaskResult(name, batch, scores[0], scores[1] if len(scores) > 1 else None)


class _Alone:
    """An `Executor` of one worker that is warm already."""

    width = 1

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        for job in jobs:
            yield perform(job, self._worker)
