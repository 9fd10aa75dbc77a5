"""How the command line speaks: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rich.box
import rich.table
from rich.console import Console
from rich.text import Text

out = Console(soft_wrap=True, highlight=False)

UNBOUNDED = 10_000
"""A number cut off in the middle says nothing: tables are as wide as they must be."""

Cell = str | int | float | bool | None


def fail(message: str) -> None:
    """Say in one line what went wrong."""
    print("error: " + printable(" ".join(message.split())), file=sys.stderr)  # noqa: T201


def printable(text: str) -> str:
    """A stranger's text without what could move the cursor, hide a line or colour a lie."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def stream(text: str) -> None:
    """Say a piece of a text now: its lines and tabs are its own, all else as in `printable`."""
    lines = ("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()


def echo(line: str, err: bool = False) -> None:
    """Say one line as it is, without folding or colour."""
    print(printable(line), file=sys.stderr if err else sys.stdout)


def tell(line: str) -> None:
    """Say one line that may hold words of strangers."""
    out.print(printable(line), markup=False)


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Machine-readable output: one strictly valid JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def answer(document: Mapping[str, Any] | Sequence[Any], as_json: bool, *lines: str) -> None:
    """The result of a command: one document for programs, or these lines for people."""
    if as_json:
        print_json(document)
        return
    for line in lines:
        echo(line)


@dataclass(frozen=True)
class PrintedTable:
    """Rows of plain values under named columns, and a sentence that says how to read them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    @classmethod
    def of(cls, title: str, columns: Mapping[str, Iterable[Cell]], note: str = "") -> PrintedTable:
        """The table with these values below these names."""
        return cls(title, tuple(columns), list(zip(*columns.values(), strict=True)), note)

    def show(self) -> None:
        title = Text(printable(self.title))
        drawn = rich.table.Table(title=title, title_justify="left", box=rich.box.SIMPLE_HEAD)
        for column in self.columns:
            drawn.add_column(column, justify="right", no_wrap=True)
        for row in self.rows:
            drawn.add_row(*(Text(printable(_text(cell))) for cell in row))
        unbounded = out.options.update(max_width=UNBOUNDED)
        needed = out.measure(drawn, options=unbounded).maximum
        Console(width=max(needed, out.width), highlight=False).print(drawn)
        if self.note:
            tell(f"  {self.note}")
            tell("")

    def as_data(self) -> dict[str, Any]:
        """The same as data; what JSON has no number for becomes a word."""
        rows = [
            {column: _plain(cell) for column, cell in zip(self.columns, row, strict=True)}
            for row in self.rows
        ]
        return {"title": self.title, "note": self.note, "rows": rows}


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.2e}" if 0 < abs(cell) < 1e-6 else f"{cell:.7g}"
    return str(cell)


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    return cell
