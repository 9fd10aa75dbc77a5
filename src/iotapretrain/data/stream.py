"""An endless stream of training sequences: shuffled, mixed, sharded, resumable to the exact token
(docs/data.md). All of it is a function of the seed and of how much was taken, so the state is a few
numbers a source: nothing that was fetched ahead is part of it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np

from iotapretrain.data.batches import page_tokens, read_page
from iotapretrain.data.documents import digest_of
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.source import Source
from iotapretrain.data.tokenizer import Tokenizer, Tokens
from iotapretrain.errors import CorruptSourceError, InputError
from iotapretrain.net.threads import prefetched
from iotapretrain.rules.packing import pack
from iotapretrain.rules.sampling import Page, Pages, Stream

PAGES_AHEAD = 2
"""Pages that a source has fetched and tokenised before they are needed; with the current one, all
that is held in memory."""
PAGE_ROWS = 100


@dataclass(frozen=True)
class StreamPart:
    """A source in a mix. `held_out` pages are left out of every epoch, for measuring."""

    source: Source
    weight: float = 1.0
    page_rows: int = PAGE_ROWS
    held_out: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.weight < float("inf") or self.page_rows < 1 or self.held_out < 0:
            raise InputError(
                f"{self.source.name} in a mix: weight {self.weight}, {self.page_rows} rows a page"
                f" and {self.held_out} pages held out; give a finite weight above 0, a page of 1"
                " row or more, and 0 pages or more"
            )

    def order(self, seed: int, epoch: int) -> Pages:
        """All pages in the order of an epoch."""
        return self._pages(seed, "epoch", epoch)

    def held_out_pages(self, seed: int) -> tuple[Page, ...]:
        """The pages that training with this seed never sees."""
        return self._pages(seed, "held-out").first(self.held_out)

    def _pages(self, seed: int, purpose: str, *labels: int) -> Pages:
        stream = Stream.of(seed, purpose, self.source.name, *labels)
        return self.source.describe().pages(stream, self.page_rows)


class StreamPosition(msgspec.Struct, frozen=True):
    """Where a rank stands in a source: its next token is number `offset` of the page at `step`."""

    source: str
    epoch: int = 0
    step: int = 0
    offset: int = 0
    sequences: int = 0
    """How many sequences this source has given so far."""


class StreamState(msgspec.Struct, frozen=True):
    """All that a stream needs to go on; JSON by `msgspec.json` or `msgspec.to_builtins`."""

    fingerprint: str
    """Of seed, sources, revisions, weights, tokenizer, length, rank: all must be the same."""
    positions: tuple[StreamPosition, ...]


@dataclass(frozen=True)
class Plan:
    """What a stream is made of, the same on every rank but for `rank`."""

    parts: Sequence[StreamPart]
    tokenizer: Tokenizer
    sequence_length: int
    seed: int
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        names = [part.source.name for part in self.parts]
        if not names or len(set(names)) != len(names):
            raise InputError(f"a mix of {names}: give at least one source, each once")
        if self.sequence_length < 2 or not 0 <= self.rank < self.ranks:
            raise InputError(
                f"sequences of {self.sequence_length} tokens for rank {self.rank} of {self.ranks}:"
                " give 2 tokens or more, and a rank from 0 to ranks - 1"
            )

    def fingerprint(self) -> str:
        """What a state must agree with."""
        parts = [
            f"{part.source.name}@{part.source.describe().revision}"
            f" {part.weight!r} {part.page_rows} {part.held_out}"
            for part in self.parts
        ]
        numbers = f"{self.sequence_length} {self.seed} {self.rank} {self.ranks}"
        return digest_of(self.tokenizer.digest, numbers, *parts)


class TokenStream:
    """Iterates over sequences of `plan.sequence_length` tokens, for ever."""

    def __init__(self, plan: Plan, cache: PageCache, state: StreamState | None = None) -> None:
        self._plan = plan
        self._fingerprint = plan.fingerprint()
        if state is not None and state.fingerprint != self._fingerprint:
            raise InputError(
                "stream: its saved state belongs to another seed, rank, tokenizer, sequence length,"
                " mix or revision of a source; restore those or start anew"
            )
        new = tuple(StreamPosition(part.source.name) for part in plan.parts)
        places = zip(plan.parts, state.positions if state else new, strict=True)
        self._tapes = [Tape(plan, part, cache, position) for part, position in places]

    @property
    def state(self) -> StreamState:
        """Resuming from it gives the sequence that would have come next."""
        return StreamState(self._fingerprint, tuple(tape.position for tape in self._tapes))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Tokens:
        """The next sequence. A `SourceError` leaves the stream where it was."""
        return self._due().take(self._plan.sequence_length)

    def take(self, sequences: int) -> Tokens:
        """The next sequences as [sequence, position]: all of them, or an error and none."""
        with ExitStack() as undo:
            for tape in self._tapes:
                undo.callback(tape.rewind, tape.position)
            taken = np.stack([next(self) for _ in range(sequences)])
            undo.pop_all()
        return taken

    def close(self) -> None:
        """Stop fetching ahead."""
        for tape in self._tapes:
            tape.close()

    def _due(self) -> Tape:
        """The source furthest behind its weight; the first of equals."""
        return min(self._tapes, key=lambda tape: (tape.position.sequences + 0.5) / tape.part.weight)


@dataclass(frozen=True, eq=False)
class PageRun:
    """The tokens of one page, an end token after each document."""

    epoch: int
    step: int
    tokens: Tokens


class Tape:
    """One source as one endless run of tokens, and a position on it."""

    def __init__(
        self, plan: Plan, part: StreamPart, cache: PageCache, position: StreamPosition
    ) -> None:
        self.part, self.position = part, position
        self._plan, self._cache = plan, cache
        self._held_out = frozenset(part.held_out_pages(plan.seed))
        self._pages = len(part.order(plan.seed, 0))
        if self._pages < plan.ranks + part.held_out:
            raise InputError(
                f"{part.source.name}: {self._pages} pages are too few for {plan.ranks} ranks and"
                f" {part.held_out} held out; take fewer rows a page"
            )
        self._runs: Generator[PageRun, None, None] | None = None
        self._run: PageRun | None = None

    def take(self, count: int) -> Tokens:
        """The next `count` tokens. The position moves only once all of them are there."""
        with ExitStack() as undo:
            undo.callback(self.close)
            taken = self._take(count)
            undo.pop_all()
        return taken

    def rewind(self, position: StreamPosition) -> None:
        self.close()
        self.position = position

    def close(self) -> None:
        """Forget what was fetched ahead; the next `take` begins at the position again."""
        if self._runs is not None:
            self._runs.close()
        self._runs = self._run = None

    def _take(self, count: int) -> Tokens:
        if self._runs is None or self._run is None:
            pages = self._addresses(self.position.epoch, self.position.step)
            self._runs = prefetched(self._load, pages, PAGES_AHEAD)
            self._run = next(self._runs)
        pieces: list[Tokens] = []
        run, offset, missing, empty = self._run, self.position.offset, count, 0
        while True:
            piece = run.tokens[offset : offset + missing]
            pieces.append(piece)
            offset, missing = offset + len(piece), missing - len(piece)
            if not missing:
                break
            run, offset = next(self._runs), 0
            empty = 0 if len(run.tokens) else empty + 1
            if empty > self._pages:
                raise CorruptSourceError(self.part.source.name, "a whole epoch without any text")
        self._run = run
        source, sequences = self.position.source, self.position.sequences + 1
        self.position = StreamPosition(source, run.epoch, run.step, offset, sequences)
        return np.concatenate(pieces)

    def _addresses(self, epoch: int, step: int) -> Iterator[tuple[int, int, Page]]:
        """This rank's pages from a step on, epoch after epoch."""
        rank, ranks = self._plan.rank, self._plan.ranks
        while True:
            order = self.part.order(self._plan.seed, epoch)
            while step * ranks + rank < len(order):
                page = order[step * ranks + rank]
                if page not in self._held_out:
                    yield epoch, step, page
                step += 1
            epoch, step = epoch + 1, 0

    def _load(self, address: tuple[int, int, Page]) -> PageRun:
        epoch, step, page = address
        text = read_page(self.part.source, page, self._cache)
        tokens, offsets = page_tokens(text, self._plan.tokenizer, self._cache)
        ended = pack(tokens, offsets, 1, self._plan.tokenizer.end_id).ravel()
        return PageRun(epoch, step, ended.astype(np.int32, copy=False))
