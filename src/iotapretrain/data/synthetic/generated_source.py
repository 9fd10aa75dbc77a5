"""Generated tasks as sources of text, so that competitions, training and benchmarks can use them.

A source has more rows than could ever be made, and row i depends on nothing but the task's name and
i. Whoever draws rows by a fresh seed draws rows that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType

from iotapretrain.data.documents import Document, digest_of, document
from iotapretrain.data.source import Config, Description, check_page
from iotapretrain.data.synthetic.invoices import invoices
from iotapretrain.data.synthetic.item import Draws, Item
from iotapretrain.data.synthetic.puzzles import arithmetic, copying, recall
from iotapretrain.rules.sampling import Page, Stream

ROWS = 2**62
"""All pages of all rows can still be put in a random order (`rules.sampling.Permutation`)."""
CHECKED_ROWS = 8
"""The first rows stand for the generator: their digest is the revision."""

SYNTHETIC: Mapping[str, Callable[[Draws], Item]] = MappingProxyType(
    {
        "synthetic/arithmetic": arithmetic,
        "synthetic/copying": copying,
        "synthetic/invoices": invoices,
        "synthetic/recall": recall,
    }
)
"""By the name of the source. A generator that would give other text needs another name."""


def item(name: str, row: int) -> Item:
    """Row `row` of a generated task."""
    return SYNTHETIC[name](Draws(Stream.of(row, "synthetic", name)))


class SyntheticSource:
    """The rows of a generated task."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def _description(self) -> Description:
        first = (item(self.name, row).text for row in range(CHECKED_ROWS))
        return Description(self.name, f"rows-{digest_of(*first)[:32]}", (Config("all", ROWS),))

    def describe(self) -> Description:
        """One config; the revision says whether two generators are the same."""
        return self._description

    def fetch(self, page: Page) -> list[Document]:
        """The documents of a page."""
        check_page(self._description, page)
        rows = range(page.start, page.start + page.rows)
        return [document(item(self.name, row).text) for row in rows]
