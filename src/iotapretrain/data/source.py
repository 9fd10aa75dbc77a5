"""The protocol of every source of text: describe it, then fetch rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from iotapretrain.data.documents import Document
from iotapretrain.errors import CorruptSourceError, InputError
from iotapretrain.rules.sampling import Page


@dataclass(frozen=True, slots=True)
class Config:
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
    configs: tuple[Config, ...]

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
        """Rows of all configs."""
        return sum(config.rows for config in self.configs)

    def only(self, config: str | None) -> Description:
        """The part that is one config; all of it for None."""
        if config is None:
            return self
        part = tuple(each for each in self.configs if each.name == config)
        if not part:
            raise _no_config(self, config)
        return Description(self.source, self.revision, part)


class Source(Protocol):
    """Where documents come from. Methods block, may be called from several threads, and keep their
    deadlines.

    They raise a `SourceError` when the text cannot be had: never other text in its place.
    """

    @property
    def name(self) -> str:
        """The name that competitions use."""
        ...

    def describe(self) -> Description:
        """The pinned revision and its row counts."""
        ...

    def fetch(self, page: Page) -> Sequence[Document]:
        """The documents of a page, in order."""
        ...


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
