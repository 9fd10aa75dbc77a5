"""A round's text and models, had again: what is drawn, fetched and computed, and compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from iotapretrain.competition.audit import model_checks
from iotapretrain.competition.audit.check import Check
from iotapretrain.competition.audit.page_draws import check_pages
from iotapretrain.competition.audit.recomputed_losses import Claim, check_losses, score_pages
from iotapretrain.competition.audit.witness import Witness
from iotapretrain.competition.evaluation.round_pages import read_text
from iotapretrain.competition.records.round_record import RoundRecord
from iotapretrain.data.batches import PackedPage
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.page_cache import PageCache as TextCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.hub.model_cache import ModelCache as ModelCache
from iotapretrain.hub.protocol import Hub
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.schedule import Competition


@dataclass(frozen=True)
class AuditBench:
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
    fetched: Mapping[str, model_checks.Fetched]
    limits: Limits
    bench: AuditBench

    @classmethod
    def of(
        cls,
        record: RoundRecord,
        competition: Competition,
        witness: Witness,
        bench: AuditBench,
        wanted: Collection[str] | None = None,
    ) -> Repeated:
        """Read the text, and fetch the models of the hotkeys that are wanted, or of all."""
        tokenizer = load_tokenizer(bench.tokenizer or competition.constraints.tokenizer)
        limits = Limits(competition.constraints, tokenizer.vocabulary)
        text = read_text(competition, witness.sync_hash or "", tokenizer, bench.text)
        fetched = {
            model.hotkey: model_checks.fetch_model(
                model, bench.hub, bench.models, limits, bench.worker
            )
            for model in record.models
            if wanted is None or model.hotkey in wanted
        }
        return cls(record, competition, witness, text, fetched, limits, bench)

    def checks(self) -> Iterator[Check]:
        yield check_pages(self.record.tasks, self.competition.tasks, self.text)
        yield model_checks.check_models(
            self.record, self.competition, self.witness.dated, self.fetched
        )
        yield model_checks.check_refusals(self.record, self.fetched)

    def losses(self, chosen: Sequence[Claim], of: int) -> tuple[Check, int]:
        """The chosen losses computed again, as far as models and pages can be had; how many."""
        within: list[Claim] = []
        computed: list[float | None] = []
        for hotkey, seen in self.fetched.items():
            its = [each for each in chosen if each.hotkey == hotkey and each.place in self._pages]
            if seen.folder is not None and its:
                pages = [self._pages[claim.place] for claim in its]
                computed += score_pages(seen.folder, self.limits, self.bench.worker, pages)
                within += its
        without = len(chosen) - len(within)
        skipped = f"{without} cannot be: model or page out of reach" if without else None
        dtype = self.limits.constraints.dtype
        return check_losses(within, computed, of, dtype, skipped), len(within)

    @cached_property
    def _pages(self) -> Mapping[tuple[str, int], PackedPage]:
        """By task and place, the pages whose text here is the published one."""
        texts = self.text.batches
        return {
            (task.name, place): page
            for task in self.record.tasks
            if task.name in texts
            for place, (said, page) in enumerate(
                zip(task.pages, texts[task.name].pages, strict=False)
            )
            if said.digest == page.digest
        }
