"""The protocol of every source of text: describe it, then fetch rows of it.

Rows that lie in several files are counted, found again and pinned in one way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol, TypeVar

from iotapretrain.data.documents import Document, document
from iotapretrain.errors import ChangedSourceError, CorruptSourceError, InputError
from iotapretrain.rules.sampling import Page, Pages, Stream


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A named part of a dataset (a crawl dump, a language) and how many rows it has."""

    name: str
    rows: int

    def __post_init__(self) -> None:
        if self.rows < 0:
            raise InputError(f"config {self.name}: {self.rows} rows; give 0 or more")


@dataclass(frozen=True, slots=True)
class Description:
    """All that addresses are drawn from. Equal descriptions mean equal bytes at every address."""

    source: str
    revision: str
    """A commit, or a digest of the content: never a name that can move."""
    configs: tuple[SourceConfig, ...]

    def __post_init__(self) -> None:
        names = [config.name for config in self.configs]
        if len(set(names)) != len(names):
            raise InputError(f"{self.source}: config names repeat: {', '.join(names)}")
        if self.rows == 0:
            raise CorruptSourceError(
                self.source, "no rows at all; check its path, files and columns"
            )

    @property
    def rows(self) -> int:
        return sum(config.rows for config in self.configs)

    def only(self, config: str | None) -> Description:
        """The part that is one config; all of it for None."""
        if config is None:
            return self
        part = tuple(each for each in self.configs if each.name == config)
        if not part:
            raise _no_config(self, config)
        return Description(self.source, self.revision, part)

    def pages(self, stream: Stream, page_rows: int) -> Pages:
        """All pages of so many rows, in the random order of a stream."""
        return Pages(stream, [(config.name, config.rows) for config in self.configs], page_rows)


class Source(Protocol):
    """Where documents come from. Methods block, may be called from several threads, and keep their
    deadlines.

    They raise a `SourceError` when the text cannot be had: never other text in its place.
    """

    @property
    def name(self) -> str:
        """The name that competitions use."""

    def describe(self) -> Description:
        """The pinned revision and its row counts."""

    def fetch(self, page: Page) -> Sequence[Document]:
        """The documents of a page, in order."""


def check_page(description: Description, page: Page) -> None:
    """Refuse rows that the source does not have."""
    counts = {config.name: config.rows for config in description.configs}
    if page.config not in counts:
        raise _no_config(description, page.config)
    if page.start < 0 or page.rows < 1 or page.start + page.rows > counts[page.config]:
        raise InputError(
            f"{description.source}/{page.config}: rows {page.start} to {page.start + page.rows}"
            f" asked for; it has rows 0 to {counts[page.config]}"
        )


def _no_config(description: Description, config: str) -> InputError:
    names = ", ".join(each.name for each in description.configs)
    return InputError(f"{description.source}: no config {config!r}; there are {names}")


class NumberedTexts(ABC):
    """A source of one config whose documents are found by their number."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def pin(self) -> tuple[str, int]:
        """The revision, and how many documents it has."""

    @abstractmethod
    def text(self, row: int) -> str:
        """One of them."""

    @cached_property
    def _description(self) -> Description:
        revision, rows = self.pin()
        return Description(self.name, revision, (SourceConfig("all", rows),))

    def describe(self) -> Description:
        return self._description

    def fetch(self, page: Page) -> list[Document]:
        check_page(self._description, page)
        return [document(self.text(row)) for row in range(page.start, page.start + page.rows)]


class Counted(Protocol):
    """A file of a dataset, the config that it belongs to, and how many rows of it it holds."""

    @property
    def config(self) -> str: ...

    @property
    def rows(self) -> int: ...


File = TypeVar("File", bound=Counted)


def description_of(source: str, revision: str, files: Sequence[Counted]) -> Description:
    """The rows of all files by config, configs in the order of their names."""
    counts: dict[str, int] = {}
    for file in files:
        counts[file.config] = counts.get(file.config, 0) + file.rows
    return Description(
        source, revision, tuple(SourceConfig(config, counts[config]) for config in sorted(counts))
    )


def spans(
    description: Description, files: Sequence[File], page: Page
) -> Iterator[tuple[File, int, int]]:
    """The files that a page touches, each with its first row and the one to stop at."""
    check_page(description, page)
    of_config = [file for file in files if file.config == page.config]
    ends = list(accumulate(file.rows for file in of_config))
    at, stop = page.start, page.start + page.rows
    while at < stop:
        which = bisect_right(ends, at)
        file = of_config[which]
        begin, until = ends[which] - file.rows, min(stop, ends[which])
        yield file, at - begin, until - begin
        at = until


def check_pin(source: str, place: str, pinned: str | None, found: str) -> None:
    """Refuse files that are not those of the pinned revision."""
    if pinned is not None and pinned != found:
        raise ChangedSourceError(
            source,
            f"revision {pinned} is pinned and {place} has {found};"
            " restore the pinned files or pin the new revision",
        )
