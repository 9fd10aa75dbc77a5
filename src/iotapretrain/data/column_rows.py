"""Rows that lie in several files: how they are counted, found again and pinned."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar

from iotapretrain.data.source import Config, Description, check_page
from iotapretrain.errors import ChangedSourceError
from iotapretrain.rules.sampling import Page


class Counted(Protocol):
    """A file of a dataset."""

    @property
    def config(self) -> str:
        """The config that it belongs to."""
        ...

    @property
    def rows(self) -> int:
        """How many rows of the config it holds."""
        ...


File = TypeVar("File", bound=Counted)


def description_of(source: str, revision: str, files: Sequence[Counted]) -> Description:
    """The rows of all files by config, configs in the order of their names."""
    counts: dict[str, int] = {}
    for file in files:
        counts[file.config] = counts.get(file.config, 0) + file.rows
    return Description(
        source, revision, tuple(Config(config, counts[config]) for config in sorted(counts))
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
