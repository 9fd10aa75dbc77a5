"""The pages of a round: their text, as they are scored and raced over, and as records name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.competition.evaluation.contender import Terms
from iotapretrain.competition.records.round_field import plan_of
from iotapretrain.competition.records.round_record import PageRecord, TaskRecord
from iotapretrain.data.batches import Batch, PackedPage
from iotapretrain.data.documents import digest_of
from iotapretrain.data.outcome import RoundText, round_text
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.race import PagePlan
from iotapretrain.rules.competition.schedule import Competition, TextTask
from iotapretrain.rules.competition.validator.journal_records import Reason
from iotapretrain.rules.sampling import seed_of

DOMAIN = "iotapretrain/scored tokens/1"


@dataclass(frozen=True, eq=False)
class ScoredPage:
    """One page of a task, `place` being its place there; `digest` is that of the tokens as cut."""

    task: str
    place: int
    digest: str
    ids: list[list[int]]
    counted: list[list[bool]] | None


@dataclass(frozen=True, eq=False)
class RoundPages:
    """All pages that hold a sequence, task after task, and how they are raced over.

    `tasks` are all of the round's, with what its record says of them.
    """

    pages: tuple[ScoredPage, ...]
    plan: PagePlan
    tasks: tuple[TaskRecord, ...]

    @classmethod
    def of(cls, text: RoundText, terms: Terms) -> RoundPages:
        """From the text of a round; a competition without any text has no round."""
        competition = terms.competition
        tasks = task_records(competition.tasks, text)
        plan = plan_of(tasks, terms.seed, competition.id)
        if plan is None:
            raise InputError(f"round: no task of {competition.name} has text; wait until one has")
        if len(plan.weights) < len(text.batches):
            raise InputError(f"round: a task of {competition.name} has pages but no sequences")
        pages = tuple(
            _page(task.name, place, packed)
            for task in tasks
            if task.pages
            for place, packed in enumerate(text.batches[task.name].pages)
            if len(packed.sequences)
        )
        return cls(pages, plan, tasks)


def read_text(
    competition: Competition, block_hash: str, tokenizer: Tokenizer, cache: PageCache
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
    reasons = {each.task: Reason(each.reason, each.sentence) for each in text.missing}
    return tuple(_task(task, text.batches.get(task.name), reasons.get(task.name)) for task in tasks)


def _task(task: TextTask, batch: Batch | None, missing: Reason | None) -> TaskRecord:
    if batch is None:
        return TaskRecord(task.name, task.dataset, "", task.weight, (), None, missing)
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


def _page(task: str, place: int, packed: PackedPage) -> ScoredPage:
    tokens = np.ascontiguousarray(packed.sequences, dtype="<i4")
    parts: list[bytes | str] = [DOMAIN, str(tokens.shape[1]), tokens.tobytes()]
    counted = None
    if packed.counted is not None:
        parts.append(np.packbits(packed.counted).tobytes())
        counted = packed.counted.tolist()
    return ScoredPage(task, place, digest_of(*parts), tokens.tolist(), counted)
