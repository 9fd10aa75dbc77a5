"""Numbers as a page shows them and as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | float


def spaced(text: str) -> str:
    """With a space between a number and its per cent sign."""
    return re.sub(r"(\d)%", r"\1 %", text)


@dataclass(frozen=True)
class Column:
    """A heading, and how Python formats the numbers below it, `.1%` for example."""

    name: str
    spec: str = ""

    def text(self, cell: Cell) -> str:
        """A cell for people; words stay as they are."""
        return cell if isinstance(cell, str) else spaced(format(cell, self.spec))


@dataclass(frozen=True)
class Table:
    """Rows under columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def texts(self) -> list[list[str]]:
        """The rows for people."""
        return [
            [column.text(cell) for column, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]

    def as_data(self) -> list[dict[str, Cell]]:
        """One object a row."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]
