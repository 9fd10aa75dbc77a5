"""`iota conformance`: other systems' numbers against our rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from iotapretrain.cli.console import echo, print_json

LONGEST = 300

Paths = Annotated[
    list[Path], typer.Argument(help="Vector files, or folders that hold them.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")]


def conformance(paths: Paths, as_json: AsJson = False) -> None:
    """Run conformance vectors against the rules: a line a failing case, then the counts.

    Exit code 1 when a case fails, 2 when a file cannot be read as vectors.

    Example: iota conformance tests/conformance/vectors
    """
    from iotapretrain.conformance.run import run

    passed = 0
    failures: list[dict[str, Any]] = []
    for path, result in run(paths):
        if result.passed:
            passed += 1
            continue
        failure = {"file": str(path), "case": result.name}
        failures.append(failure | {"expected": repr(result.expected), "got": repr(result.got)})
        if not as_json:
            expected, got = _short(result.expected), _short(result.got)
            echo(f"{path}: {result.name}: expected {expected}, got {got}")
    if as_json:
        print_json({"passed": passed, "failed": len(failures), "failures": failures})
    else:
        echo(f"{passed} passed, {len(failures)} failed")
    if failures:
        raise typer.Exit(1)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
