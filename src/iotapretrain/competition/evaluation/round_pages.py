"""The pages of a round: their text, as they are scored and raced over, and as records name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.competition.evaluation.contender import Terms
from iotapretrain.competition.records.round_record import PageRecord, Reason, TaskRecord
from iotapretrain.data.batches import Batch, PackedPage
from iotapretrain.data.outcome import Missing, RoundText, round_text
from iotapretrain.data.page_cache import Cache
from iotapretrain.data.text_digest import digest_of
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.page_plan import PagePlan
from iotapretrain.rules.competition.schedule import Competition, TextTask
from iotapretrain.rules.sampling import seed_of

DOMAIN = "iotapretrain/scored tokens/1"


@dataclass(frozen=True, eq=False)
class Page:
    """One page of a task, `place` being its place there; `digest` is that of the tokens as cut."""

    task: str
    place: int
    digest: str
    ids: list[list[int]]
    counted: list[list[bool]] | None


@dataclass(frozen=True, eq=False)
class RoundPages:
    """All pages that hold a sequence, task after task, and how they are raced over.

    `sizes` counts the pages of each task, empty ones included.
    """

    pages: tuple[Page, ...]
    plan: PagePlan
    sizes: dict[str, int]

    @classmethod
    def of(cls, text: RoundText, terms: Terms) -> RoundPages:
        """From the text of a round; a competition without any text has no round."""
        if not text.batches:
            raise InputError(
                f"round: no task of {terms.competition.name} has text; wait until one has"
            )
        weights = {task.name: task.weight for task in terms.competition.tasks}
        pages: list[Page] = []
        tasks: list[tuple[str, float, Sequence[int]]] = []
        for name, batch in text.batches.items():
            whole = [
                _page(name, place, packed)
                for place, packed in enumerate(batch.pages)
                if len(packed.sequences)
            ]
            pages += whole
            tasks.append((name, weights[name], [len(page.ids) for page in whole]))
        plan = PagePlan.of(terms.seed, terms.competition.id, tasks)
        sizes = {name: len(batch.pages) for name, batch in text.batches.items()}
        return cls(tuple(pages), plan, sizes)


def read_text(
    competition: Competition, block_hash: str, tokenizer: Tokenizer, cache: Cache
) -> RoundText:
    """Every task's pages as all validators draw them, from the hash that the chain gave the sync
    block, hex without 0x.
    """
    return round_text(
        competition.tasks,
        competition.models,
        seed_of(f"0x{block_hash}"),
        competition.constraints.sequence_length,
        tokenizer,
        cache,
    )


def task_records(tasks: Sequence[TextTask], text: RoundText) -> tuple[TaskRecord, ...]:
    """The tasks in the competition's order, with their pages or the reason why they have none."""
    missing = {each.task: each for each in text.missing}
    return tuple(_task(task, text.batches.get(task.name), missing.get(task.name)) for task in tasks)


def _task(task: TextTask, batch: Batch | None, missing: Missing | None) -> TaskRecord:
    if batch is None:
        reason = None if missing is None else Reason(missing.reason, missing.sentence)
        return TaskRecord(task.name, task.dataset, "", task.weight, (), None, reason)
    pages = tuple(
        PageRecord(
            packed.page.config,
            packed.page.start,
            packed.page.rows,
            packed.digest,
            len(packed.sequences),
        )
        for packed in batch.pages
    )
    return TaskRecord(task.name, task.dataset, batch.revision, task.weight, pages, batch.digest)


def _page(task: str, place: int, packed: PackedPage) -> Page:
    tokens = np.ascontiguousarray(packed.sequences, dtype="<i4")
    parts: list[bytes | str] = [DOMAIN, str(tokens.shape[1]), tokens.tobytes()]
    counted = None
    if packed.counted is not None:
        parts.append(np.packbits(packed.counted).tobytes())
        counted = packed.counted.tolist()
    return Page(task, place, digest_of(*parts), tokens.tolist(), counted)
