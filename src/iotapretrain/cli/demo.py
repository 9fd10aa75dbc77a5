"""`iota demo`: a whole network on this machine, with everybody in it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from iotapretrain.cli.console import out, print_json, printable
from iotapretrain.cli.network_options import AsJson, check_dashboard, extra
from iotapretrain.errors import InputError


def demo(
    seconds: Annotated[
        float, typer.Option(help="How long the network lives at most; it takes 90 at least.")
    ] = 420.0,
    seed: Annotated[int, typer.Option(help="Of the miners' training.", min=0)] = 0,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Leave the network there, to look at.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="WHOM", help="See what happens without an actor, race or inspector."),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without the dashboard; end with the report.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a network of miners, cheats and validators, one of them a liar, and report who was paid.

    Exit code 0 only if everything that the rules promise was seen to happen.

    Examples:

    iota demo

    iota demo --headless --json

    iota demo --keep net --seconds 300

    iota demo --without inspector
    """
    if not headless:
        check_dashboard(", or leave the page out: --headless")
    with extra():
        from iotapretrain.arena.demo.run_demo import Demo
        from iotapretrain.arena.demo.run_demo import demo as run

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise InputError(f"{keep}: is not empty; name a new folder")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    away = frozenset(without or ())
    asked = Demo(seconds, seed, keep, show=not headless, without=away)
    with run(asked, _say) as (report, address):
        if as_json:
            print_json(report)
        else:
            _conclude(report)
        if address is not None and not os.environ.get("CI"):
            _stay_open(address)
    raise typer.Exit(0 if report["held"] else 1)


def _stay_open(address: str) -> None:
    """To be asked to end is how this ends: what the exit code says has happened by now."""
    _say("dashboard", f"stays open at {address} until Ctrl-C")
    try:
        signal.pause()
    except KeyboardInterrupt:
        return


def _say(who: str, said: str) -> None:
    """One line; progress goes where results do not."""
    print(f"{who:>10}  {printable(said)}", file=sys.stderr, flush=True)  # noqa: T201


def _conclude(report: dict[str, Any]) -> None:
    out.print()
    for each in report["expectations"]:
        mark = "[green]held[/]  " if each["held"] else "[red]FAILED[/]"
        out.print(f"{mark} {each['name']}: ", end="")
        out.print(each["sentence"], markup=False)
    out.print()
    for miner in report["miners"]:
        paid = f"{miner['share']:>6.1%} of pay  {miner['why']}"
        out.print(f"{miner['name']:>10} {miner['role']:<16} {paid}", markup=False)
    for each in report["validators"]:
        found = f"consensus {each['trust']:.3f} after {each['rounds']} rounds"
        said = f"{each['name']:>10} {each['role']:<16} {found}; audit: {each['audit']}"
        out.print(said, markup=False)
