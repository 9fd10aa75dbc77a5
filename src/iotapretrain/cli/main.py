"""`iota`: the command line. Every group is a file beside this one."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from iotapretrain import __version__
from iotapretrain.cli import (
    audit,
    benchmark,
    chain,
    conformance,
    dashboard,
    data,
    demo,
    explain_miner,
    history,
    hub,
    leaderboard,
    model,
    publish,
    pull,
    records,
    rules,
    score,
    simulate,
    train,
    validate,
)
from iotapretrain.cli.console import fail
from iotapretrain.errors import IotaError

INTERRUPTED = 130

app = typer.Typer(
    name="iota",
    help="Pretrain language models together with people you do not trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("audit")(audit.audit)
app.command("benchmark")(benchmark.benchmark)
app.command("conformance")(conformance.conformance)
app.command("dashboard")(dashboard.dashboard)
app.command("demo")(demo.demo)
app.command("publish")(publish.publish)
app.command("pull")(pull.pull)
app.command("explain")(explain_miner.explain)
app.command("history")(history.history)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("score")(score.score)
app.add_typer(chain.app, name="chain")
app.add_typer(data.app, name="data")
app.add_typer(hub.app, name="hub")
app.add_typer(model.app, name="model")
app.add_typer(records.app, name="records")
app.add_typer(rules.app, name="rules")
app.add_typer(simulate.app, name="simulate")
app.command("train")(train.train)
app.command("validate")(validate.validate)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iota {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Pretrain language models together with people you do not trust."""


def main() -> None:
    """Run the command line; whatever a person can mend becomes one line and exit code 2."""
    try:
        app()
    except IotaError as error:
        fail(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
