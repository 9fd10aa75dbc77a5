"""`iota`: the command line. Every command is a file beside this one, imported when it runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from iotapretrain import __version__
from iotapretrain.cli.lazy_group import LazyCommand, lazy_group
from iotapretrain.errors import IotaError

INTERRUPTED = 130
SUMMARIES = {
    "audit": "Repeat a published round: signature, pages, models, losses, tournament, standings,"
    " weights.",
    "benchmark": "Measure models: perplexity of texts, the field's tasks, generated tasks.",
    "conformance": "Run conformance vectors against the rules: a line a failing case, then the"
    " counts.",
    "dashboard": "Show a network live in the browser: read-only, and on this machine alone by"
    " default.",
    "demo": "Run a network of miners, cheats and validators, one of them a liar, and report who"
    " was paid.",
    "publish": "Publish a model: inspect, upload unseen, compare, commit, open to everybody.",
    "pull": "Bring a committed model here: verified, and bound to the hotkey that committed to it.",
    "explain": "Say why a miner has its weight: verdict, losses, epsilon, wins, averages,"
    " emission.",
    "generate": "Continue a text with a model: tokens as they come.",
    "history": "Show the champion's loss round by round, from a validator's public records.",
    "leaderboard": "Show the models of a competition, best first: losses, win rates, averages,"
    " emission.",
    "score": "Say what validators would say of a model now: verdict, loss beside the champion's,"
    " and pay.",
    "train": "Pretrain a model: from a recipe, or with nothing but a competition's name.",
    "validate": "Fetch, inspect and score models, decide rounds, publish signed records, set"
    " weights.",
    "chain": "Make, use, check and serve a chain in a file; or use finney, test, or any node.",
    "data": "Look at sources of text, their pages and tokenizers.",
    "hub": "Publish models, look at them, bring them here.",
    "model": "Look at models of strangers, safely.",
    "records": "Export what happened; print what events hold.",
    "rules": "The rules that everyone agrees on, shown at work.",
    "swarm": "Train one model in stages, with machines that nobody trusts.",
    "simulate": "Try the rules out, without models or machines.",
}
"""In the order of the list; each repeats the first sentence of the command's own help."""

_GROUPS = ("chain", "data", "hub", "model", "records", "rules", "simulate", "swarm")
_PLACES = {name: f"{name}:app" for name in _GROUPS}
_PLACES |= {"conformance": "rules:conformance", "explain": "explain_miner:explain"}

COMMANDS = {
    name: LazyCommand(summary, _PLACES.get(name, f"{name}:{name}"))
    for name, summary in SUMMARIES.items()
}

app = typer.Typer(
    name="iota",
    cls=lazy_group(COMMANDS),
    help="Pretrain language models together with people you do not trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


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
        from iotapretrain.cli.console import fail

        fail(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
