"""How the command line speaks: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

out = Console(soft_wrap=True, highlight=False)


def fail(message: str) -> None:
    """Say in one line what went wrong."""
    print("error: " + printable(" ".join(message.split())), file=sys.stderr)  # noqa: T201


def printable(text: str) -> str:
    """A stranger's text without what could move the cursor, hide a line or colour a lie."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def echo(line: str, err: bool = False) -> None:
    """Say one line as it is, without folding or colour."""
    print(printable(line), file=sys.stderr if err else sys.stdout)


def tell(line: str) -> None:
    """Say one line that may hold words of strangers."""
    out.print(printable(line), markup=False)


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Machine-readable output: one strictly valid JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")
