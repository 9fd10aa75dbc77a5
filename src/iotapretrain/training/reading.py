"""The text of a run: batches for training, and sequences that are only ever measured on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from iotapretrain.data.batches import Packing, make_batch
from iotapretrain.data.datasets import open_source
from iotapretrain.data.documents import Document
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.source import Description, Source
from iotapretrain.data.stream import Plan, StreamPart, StreamState, TokenStream
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.rules.sampling import Page
from iotapretrain.training.plan import DataPlan


@dataclass(frozen=True)
class OneConfig:
    """A source of which one config is read."""

    source: Source
    config: str

    @property
    def name(self) -> str:
        return f"{self.source.name}/{self.config}"

    def describe(self) -> Description:
        return self.source.describe().only(self.config)

    def fetch(self, page: Page) -> Sequence[Document]:
        return self.source.fetch(page)


class BatchReader:
    """One rank's rows of every batch: those of its lanes, as many of each."""

    def __init__(
        self,
        plan: DataPlan,
        seed: int,
        cache: PageCache,
        lanes: range,
        states: Sequence[StreamState] | None = None,
    ) -> None:
        self.tokenizer, parts = load_tokenizer(plan.tokenizer), _parts(plan, cache)
        self._streams = [
            TokenStream(
                Plan(parts, self.tokenizer, plan.sequence_length, seed, lane, plan.lanes),
                cache,
                None if states is None else states[lane],
            )
            for lane in lanes
        ]

    def take(self, rows: int) -> torch.Tensor:
        """The next `rows` sequences, of shape (rows, length), lane after lane."""
        each = rows // len(self._streams)
        taken = np.concatenate([stream.take(each) for stream in self._streams])
        return torch.from_numpy(taken.astype(np.int64))

    @property
    def states(self) -> list[StreamState]:
        return [stream.state for stream in self._streams]

    def close(self) -> None:
        """Stop fetching ahead."""
        for stream in self._streams:
            stream.close()


def opened(dataset: str, config: str | None, cache: PageCache) -> Source:
    """A dataset by name, all of it or one config."""
    source = open_source(dataset, cache, config)
    return source if config is None else OneConfig(source, config)


def lanes_of(plan: DataPlan, rank: int, ranks: int) -> range:
    """The lanes of a rank; the ranks share them out evenly."""
    if plan.lanes % ranks:
        raise InputError(
            f"{ranks} ranks: the run reads {plan.lanes} lanes; take a number of ranks that divides"
            " it, or set data.lanes when the run begins"
        )
    each = plan.lanes // ranks
    return range(rank * each, (rank + 1) * each)


def held_out(plan: DataPlan, seed: int, cache: PageCache) -> torch.Tensor:
    """Sequences of the held-out pages, each source with its share, always the same."""
    tokenizer, parts = load_tokenizer(plan.tokenizer), _parts(plan, cache)
    total = sum(part.weight for part in parts)
    rows = []
    for part in parts:
        wanted = max(1, round(plan.held_out_sequences * part.weight / total))
        packing, pages = Packing(plan.sequence_length, limit=wanted), part.held_out_pages(seed)
        rows.append(make_batch(part.source, pages, tokenizer, packing, cache).sequences)
    return torch.from_numpy(np.concatenate(rows).astype(np.int64))


def training_data(plan: DataPlan, cache: PageCache) -> str:
    """What is read, for a model card: JSON of sources with revisions and shares."""
    total = sum(source.weight for source in plan.sources)
    return json.dumps(
        [
            {
                "source": part.source.name,
                "revision": part.source.describe().revision,
                "share": part.weight / total,
            }
            for part in _parts(plan, cache)
        ]
    )


def _parts(plan: DataPlan, cache: PageCache) -> list[StreamPart]:
    return [
        StreamPart(
            opened(source.dataset, source.config, cache),
            source.weight,
            source.page_rows,
            source.held_out,
        )
        for source in plan.sources
    ]
