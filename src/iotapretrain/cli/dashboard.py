"""`iota dashboard`: a network in the browser."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Annotated

import typer

from iotapretrain.cli.console import echo
from iotapretrain.cli.network_options import check_dashboard, network_name
from iotapretrain.cli.option_groups import ScheduledWorkplace, with_groups


@with_groups
def dashboard(
    place: ScheduledWorkplace,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free one.", min=0, max=65535)] = 8080,
    streams: Annotated[
        int, typer.Option("--streams-per-address", help="Live pages of one address.", min=1)
    ] = 20,
    proxy: Annotated[
        str | None,
        typer.Option("--trusted-proxy", help="Whose X-Forwarded-For is believed; nobody's if not."),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Show a network live in the browser: read-only, and on this machine alone by default.

    Example: iota dashboard --network net --open
    """
    network = network_name(place.network)
    check_dashboard()
    from iotapretrain.dashboard.serve import Entrance, serve
    from iotapretrain.dashboard.service import ShownNetwork

    shown = ShownNetwork(
        network,
        place.folder,
        place.netuid,
        place.open_hub(),
        place.schedule()[0],
        _audit_command(place),
    )

    def announce(address: str) -> None:
        echo(f"dashboard: {address}")
        sys.stdout.flush()
        if open_page:
            typer.launch(address)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server raises it again
    asyncio.run(serve(shown, Entrance(host, port, streams, proxy), announce))


def _audit_command(place: ScheduledWorkplace) -> tuple[str, ...]:
    """This same program's audit, as the page starts it; the round and validator follow."""
    program = "from iotapretrain.cli.main import main; main()"
    command = [sys.executable, "-c", program, "audit", "--network", place.network]
    command += ["--netuid", str(place.netuid), "--sample", str(SAMPLE)]
    for option, value in (("--hub", place.hub), ("--competitions", place.competitions)):
        command += [] if value is None else [option, value]
    return tuple(command)


SAMPLE = 24
"""Losses that an audit from the page computes again: enough to be likely to see a false one."""
