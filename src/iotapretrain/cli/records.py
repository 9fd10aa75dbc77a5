"""`iota records`: what happened, out of a network's files."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.observe.events import AnyEvent

app = typer.Typer(help="Export what happened; print what events hold.", no_args_is_help=True)

Moment = Annotated[
    str | None, typer.Option(metavar="TIME", help="Seconds since 1970, or 2026-11-20T12:00.")
]


@app.command()
def export(
    place: Annotated[
        Path, typer.Argument(metavar="PLACE", help="A network's folder, or one file of records.")
    ],
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; repeatable.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Only sources that begin so, such as `train:`.")
    ] = None,
    since: Moment = None,
    until: Moment = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
) -> None:
    """Print events in the order of time.

    Example: iota records export net/ --kind round-finished --format csv > rounds.csv
    """
    from iotapretrain.observe.read_records import Selection, select

    selection = Selection(frozenset(kind or ()), source or "", _moment(since), _moment(until))
    if form not in _WRITERS:
        raise InputError(f"format {form!r}: write jsonl or csv")
    _WRITERS[form](select(place, selection))


@app.command()
def schema() -> None:
    """Print the page that describes all events and metrics.

    Example: iota records schema > docs/records.md
    """
    try:
        from iotapretrain.observe.records_page import records_page
    except ModuleNotFoundError as error:
        raise InputError(
            f"the page names all metrics, which needs {error.name}: "
            "pip install 'iotapretrain[metrics]'"
        ) from error

    sys.stdout.write(records_page())


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise InputError(f"time {text!r}: write seconds since 1970, or 2026-11-20T12:00") from None


def _write_lines(events: Iterator[AnyEvent]) -> None:
    import msgspec

    encoder = msgspec.json.Encoder()
    for event in events:
        sys.stdout.write(encoder.encode(event).decode() + "\n")


def _write_csv(events: Iterator[AnyEvent]) -> None:
    """One column a field of any kind; what is no number or text is JSON."""
    import msgspec

    rows = [msgspec.to_builtins(event) for event in events]
    columns = list(dict.fromkeys(["time", "source", "kind", *(key for row in rows for key in row)]))
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                key: msgspec.json.encode(value).decode()
                if isinstance(value, dict | list)
                else value
                for key, value in row.items()
            }
        )


_WRITERS = {"jsonl": _write_lines, "csv": _write_csv}
