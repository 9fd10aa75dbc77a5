"""`iota rules` and `iota conformance`: the rules, shown at work and held to others' numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from iotapretrain.cli.console import answer, echo, print_json
from iotapretrain.cli.network_options import AsJson

LONGEST = 300
"""What is told of a value in a line."""

app = typer.Typer(help="The rules that everyone agrees on, shown at work.", no_args_is_help=True)


@app.command()
def explain(
    path: Annotated[
        Path,
        typer.Argument(
            help="A JSON document: a round of models, or weights and stake; or paper, round, yuma.",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show every quantity between losses (or weights and stake) and what is paid.

    Example: iota rules explain paper
    """
    from iotapretrain.cli.explain import explain_epoch, explain_round, inputs
    from iotapretrain.disk.whole_files import shipped_file

    given = inputs.read(shipped_file(path, "rules", ".json"))
    if isinstance(given, inputs.RoundInput):
        tables = list(explain_round.tables(given))
    else:
        tables = list(explain_epoch.tables(given))
    if as_json:
        print_json({"tables": [table.as_data() for table in tables]})
        return
    for table in tables:
        table.show()


def conformance(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Vector files, or folders that hold them. Default: those that ship with us.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run conformance vectors against the rules: a line a failing case, then the counts.

    Exit code 1 when a case fails, 2 when a file cannot be read as vectors.

    Example: iota conformance
    """
    from iotapretrain.conformance.run_vectors import run
    from iotapretrain.disk.whole_files import shipped

    passed = 0
    failures: list[dict[str, Any]] = []
    for path, result in run(paths or [shipped("vectors")]):
        if result.passed:
            passed += 1
            continue
        failure = {"file": str(path), "case": result.name}
        failures.append(failure | {"expected": repr(result.expected), "got": repr(result.got)})
        if not as_json:
            expected, got = _short(result.expected), _short(result.got)
            echo(f"{path}: {result.name}: expected {expected}, got {got}")
    report = {"passed": passed, "failed": len(failures), "failures": failures}
    answer(report, as_json, f"{passed} passed, {len(failures)} failed")
    if failures:
        raise typer.Exit(1)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
