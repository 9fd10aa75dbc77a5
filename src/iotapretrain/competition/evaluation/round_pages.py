"""The pages of a round as they are scored: tokens, names for the cache, and the race's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.competition.evaluation.contender import Terms
from iotapretrain.data.batches import PackedPage
from iotapretrain.data.outcome import RoundText
from iotapretrain.data.text_digest import digest_of
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.race import PagePlan

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


def _page(task: str, place: int, packed: PackedPage) -> Page:
    tokens = np.ascontiguousarray(packed.sequences, dtype="<i4")
    parts: list[bytes | str] = [DOMAIN, str(tokens.shape[1]), tokens.tobytes()]
    counted = None
    if packed.counted is not None:
        parts.append(np.packbits(packed.counted).tobytes())
        counted = packed.counted.tolist()
    return Page(task, place, digest_of(*parts), tokens.tolist(), counted)
