"""A round's text and models, had again: what is drawn, fetched and computed, and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.competition.audit.bytes import fetch_model
from iotapretrain.competition.audit.check import Check
from iotapretrain.competition.audit.losses import Claim, check_losses
from iotapretrain.competition.audit.models import Fetched, check_models, check_refusals
from iotapretrain.competition.audit.pages import check_pages
from iotapretrain.competition.audit.witness import Witness
from iotapretrain.competition.round_record import RoundRecord
from iotapretrain.competition.standing.losses import score_pages
from iotapretrain.competition.standing.text import read_text
from iotapretrain.data.batches import PackedPage
from iotapretrain.data.cache import Cache as TextCache
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.hub.cache import Cache as ModelCache
from iotapretrain.hub.protocol import Hub
from iotapretrain.models.claims import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.schedule import Competition


@dataclass(frozen=True)
class Bench:
    """What an auditor works with: its caches, and a worker in which models are opened.

    `tokenizer` is where the competition's lies, if not where the competitions file says.
    """

    hub: Hub
    models: ModelCache
    text: TextCache
    worker: Worker
    tokenizer: str | None = None


@dataclass(frozen=True)
class Repeated:
    """What an auditor has of a round."""

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
    ) -> Repeated:
        tokenizer = load_tokenizer(bench.tokenizer or competition.constraints.tokenizer)
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
