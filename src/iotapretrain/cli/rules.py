"""`iota rules`: the rules, shown at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotapretrain.cli.console import print_json

app = typer.Typer(help="The rules that everyone agrees on, shown at work.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The rules that everyone agrees on, shown at work."""


@app.command()
def explain(
    path: Annotated[
        Path,
        typer.Argument(
            help="A JSON document: a round of models, or weights and stake.", show_default=False
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as data.")] = False,
) -> None:
    """Show every quantity between losses (or weights and stake) and what is paid.

    Example: iota rules explain examples/rules/paper.json
    """
    from iotapretrain.cli.explain import explain_epoch, explain_round, inputs

    given = inputs.read(path)
    if isinstance(given, inputs.RoundInput):
        tables = list(explain_round.tables(given))
    else:
        tables = list(explain_epoch.tables(given))
    if as_json:
        print_json({"tables": [table.as_data() for table in tables]})
        return
    for table in tables:
        table.show()
