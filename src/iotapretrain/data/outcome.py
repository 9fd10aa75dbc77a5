"""What becomes of the tasks of a round: each has its text, or a stated reason why it has none.

A task without text drops out: the weights of the others are divided by their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iotapretrain.data.batches import Batch, Packing, draw, make_batch
from iotapretrain.data.datasets import open_source
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.ranges import PagePatience
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import SourceError
from iotapretrain.rules.competition.schedule import TextTask


@dataclass(frozen=True)
class Missing:
    """A task that is left out of the round."""

    task: str
    source: str
    reason: str
    sentence: str


@dataclass(frozen=True, eq=False)
class RoundText:
    """The text of a round by task."""

    batches: dict[str, Batch]
    missing: tuple[Missing, ...]


def round_text(
    tasks: Sequence[TextTask],
    competition: int,
    seed: int,
    sequence_length: int,
    tokenizer: Tokenizer,
    cache: PageCache,
    patience: PagePatience | None = None,
) -> RoundText:
    """Every task's batch, one task after the other: the pages of each are fetched in parallel.

    `competition` is the id of the competition whose models are scored.
    """
    batches: dict[str, Batch] = {}
    missing: list[Missing] = []
    for task in tasks:
        packing = Packing(sequence_length, task.packed, task.sequences)
        try:
            source = open_source(task.dataset, cache, task.config, patience)
            description = source.describe().only(task.config)
            order = draw(description, seed, competition, task.name, task.page_rows)
            pages = order.first(min(task.pages, len(order)))
            batches[task.name] = make_batch(source, pages, tokenizer, packing, cache)
        except SourceError as error:
            missing.append(Missing(task.name, error.source, error.reason, str(error)))
    return RoundText(batches, tuple(missing))
