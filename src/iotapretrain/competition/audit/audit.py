"""An audit from end to end: read what was published, ask the chain, compute again, compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

from blake3 import blake3

from iotapretrain.chain.client import ChainClient
from iotapretrain.competition.audit.bytes import fetch_model
from iotapretrain.competition.audit.check import Check, Difference, Name
from iotapretrain.competition.audit.losses import Claim, check_losses, claims
from iotapretrain.competition.audit.models import Fetched, check_models, check_refusals
from iotapretrain.competition.audit.pages import check_pages
from iotapretrain.competition.audit.published import Published, find_validator, read_published
from iotapretrain.competition.audit.sample import chance_of_finding, sampled
from iotapretrain.competition.audit.seal import check_links, check_seal
from iotapretrain.competition.audit.seed import check_seed
from iotapretrain.competition.audit.standings import (
    check_on_chain,
    check_standings,
    check_weights,
)
from iotapretrain.competition.audit.tournament import check_scores, check_tournament
from iotapretrain.competition.audit.witness import Witness, hear
from iotapretrain.competition.round_record import RoundRecord
from iotapretrain.competition.standing.committed import read_ground
from iotapretrain.competition.standing.losses import score_pages
from iotapretrain.competition.standing.text import read_text
from iotapretrain.data.batches import PackedPage
from iotapretrain.data.cache import Cache as TextCache
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.hub.cache import Cache as ModelCache
from iotapretrain.hub.protocol import Hub
from iotapretrain.models.claims import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.schedule import Competition, Schedule


class Verdict(StrEnum):
    """What an audit comes to."""

    HOLDS = "holds"
    EXPOSED = "exposed"
    UNKNOWN = "cannot be audited"


@dataclass(frozen=True)
class Agreed:
    """The competitions file, which all validators of a network share."""

    schedule: Schedule
    text: str

    @property
    def digest(self) -> str:
        """What records name it by."""
        return blake3(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Bench:
    """What an auditor works with: its caches, and a worker in which models are opened."""

    hub: Hub
    models: ModelCache
    text: TextCache
    worker: Worker


@dataclass(frozen=True)
class Report:
    """An audit's checks in their order; of `losses` published, `computed` were computed again."""

    validator: str
    round: int
    checks: tuple[Check, ...]
    losses: int = 0
    computed: int = 0

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(each for check in self.checks for each in check.differences)

    @property
    def chance(self) -> float:
        """That one false loss among those published would have been found."""
        return chance_of_finding(self.losses, self.computed, min(self.losses, 1))

    @property
    def verdict(self) -> Verdict:
        if self.differences:
            return Verdict.EXPOSED
        return Verdict.UNKNOWN if self.losses and not self.computed else Verdict.HOLDS


async def audit(
    client: ChainClient,
    netuid: int,
    bench: Bench,
    agreed: Agreed,
    number: int | None = None,
    validator: str | None = None,
    sample: int | None = None,
    rng: Random | None = None,
) -> Report:
    """Repeat a round, by default the newest of the validator with most stake.

    With `sample` only so many losses are computed again, drawn by `rng`.
    """
    ground = await read_ground(client, netuid)
    source = find_validator(ground, validator)
    published = read_published(bench.hub, source, number)
    record = published.signed.record
    witness = await hear(client, ground, record, source.uid, agreed.schedule.sync_cadence)
    checks = list(_provenance(published, witness, netuid))
    if checks[0].differences:
        return Report(source.validator, record.round, tuple(checks))
    _check_schedule(record, agreed)
    competition = _competition(record, agreed.schedule)
    if isinstance(competition, Difference):
        checks.append(Check(Name.SEED, "the record names no competition", (competition,)))
        return Report(source.validator, record.round, tuple(checks))
    checks += _arithmetic(published, witness, competition, agreed.schedule)
    if witness.sync_hash is None:
        return Report(source.validator, record.round, _ordered(checks))
    repeated = _Repeated.of(record, competition, witness, bench)
    checks += repeated.checks()
    claimed = claims(record)
    chosen = sampled(repeated.computable(claimed), sample, rng or Random())
    checks.append(repeated.losses(chosen, claimed))
    return Report(source.validator, record.round, _ordered(checks), len(claimed), len(chosen))


def _provenance(published: Published, witness: Witness, netuid: int) -> Iterator[Check]:
    signed = published.signed
    yield check_seal(signed, published.source.validator, witness.network, netuid)
    yield check_links(signed, published.before, published.after, published.numbers)
    yield check_seed(signed.record, witness.sync_block, witness.sync_hash or "no block yet")


def _check_schedule(record: RoundRecord, agreed: Agreed) -> None:
    if record.schedule_digest != agreed.digest:
        raise InputError(
            f"round {record.round}: judged under the competitions file with digest"
            f" {record.schedule_digest[:12]}…, yours has {agreed.digest[:12]}…; give the file that"
            " the validators agreed on with --competitions"
        )


def _competition(record: RoundRecord, schedule: Schedule) -> Competition | Difference:
    active = {each.id: each for each in schedule.competitions if record.block in each.blocks}
    if record.competition in active:
        return active[record.competition]
    running = ", ".join(map(str, active)) or "none"
    item = f"competition at block {record.block}"
    return Difference(Name.SEED, item, str(record.competition), f"one of {running}")


def _arithmetic(
    published: Published, witness: Witness, competition: Competition, schedule: Schedule
) -> Iterator[Check]:
    """Everything that needs no text and no model."""
    record = published.signed.record
    before = None if published.before is None else published.before.record
    yield check_scores(record, competition)
    yield check_tournament(record, competition)
    yield check_standings(record, before, competition, schedule, witness.registered)
    yield check_weights(record, schedule)
    if published.is_newest:
        row = witness.row
        yield check_on_chain(row.weights, row.block, row.registered, published.newest_first)


def _ordered(checks: list[Check]) -> tuple[Check, ...]:
    order = list(Name)
    return tuple(sorted(checks, key=lambda check: order.index(check.name)))


@dataclass(frozen=True)
class _Repeated:
    """A round's text and models, had again."""

    record: RoundRecord
    competition: Competition
    witness: Witness
    text: RoundText
    fetched: Mapping[str, Fetched]
    folders: Mapping[str, Path]
    limits: Limits
    worker: Worker

    @classmethod
    def of(
        cls, record: RoundRecord, competition: Competition, witness: Witness, bench: Bench
    ) -> _Repeated:
        tokenizer = load_tokenizer(competition.constraints.tokenizer)
        limits = Limits(competition.constraints, tokenizer.vocabulary)
        text = read_text(competition, witness.sync_hash or "", tokenizer, bench.text)
        fetched: dict[str, Fetched] = {}
        folders: dict[str, Path] = {}
        for model in record.models:
            seen, folder = fetch_model(model, bench.hub, bench.models, limits, bench.worker)
            fetched[model.hotkey] = seen
            if folder is not None:
                folders[model.hotkey] = folder
        return cls(record, competition, witness, text, fetched, folders, limits, bench.worker)

    def checks(self) -> Iterator[Check]:
        yield check_pages(self.record.tasks, self.competition.tasks, self.text)
        yield check_models(self.record, self.competition, self.witness.dated, self.fetched)
        yield check_refusals(self.record, self.fetched)

    def computable(self, claimed: list[Claim]) -> list[Claim]:
        """The losses of bytes and pages that can be had and are the published ones."""
        pages = {
            (task.name, number)
            for task in self.record.tasks
            for number, page in enumerate(task.pages)
            if (drawn := self._page(task.name, number)) is not None and drawn.digest == page.digest
        }
        return [
            claim
            for claim in claimed
            if claim.hotkey in self.folders and (claim.task, claim.page) in pages
        ]

    def losses(self, chosen: list[Claim], claimed: list[Claim]) -> Check:
        """One call of the worker a model."""
        computed: list[float | None] = []
        for hotkey in dict.fromkeys(claim.hotkey for claim in chosen):
            its = [claim for claim in chosen if claim.hotkey == hotkey]
            pages = [self._page(claim.task, claim.page) for claim in its]
            wanted = [page for page in pages if page is not None]
            computed += score_pages(self.folders[hotkey], self.limits, self.worker, wanted)
        out_of_reach = len(claimed) - len(self.computable(claimed))
        skipped = f"{out_of_reach} cannot be: model or page out of reach" if out_of_reach else None
        return check_losses(chosen, computed, len(claimed), skipped)

    def _page(self, task: str, number: int) -> PackedPage | None:
        batch = self.text.batches.get(task)
        if batch is None or number >= len(batch.pages):
            return None
        return batch.pages[number]
