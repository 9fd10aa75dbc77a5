"""`iota dashboard`: a network in the browser."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from iotapretrain.cli.console import echo
from iotapretrain.cli.network_options import Netuid, extra, network_name
from iotapretrain.cli.workplace import Competitions, HubAddress, Network, find_hub, find_schedule
from iotapretrain.errors import InputError


def dashboard(
    network: Network = "net",
    netuid: Netuid = 1,
    hub: HubAddress = None,
    competitions: Competitions = None,
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
    with extra():
        import bittensor_core  # noqa: F401 -- asked for before anything is started
    try:
        from iotapretrain.dashboard.serve import Entrance, serve
        from iotapretrain.dashboard.service import ShownNetwork
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("fastapi", "uvicorn"):
            raise
        raise InputError(
            f"the dashboard needs {error.name}: pip install 'iotapretrain[dashboard,bittensor]'"
        ) from error

    folder = Path(network.removeprefix("embedded:"))
    place = ShownNetwork(
        network_name(network),
        folder if folder.is_dir() else None,
        netuid,
        find_hub(hub, network),
        find_schedule(competitions, network)[0],
        _audit_command(network, netuid, hub, competitions),
    )

    def announce(address: str) -> None:
        echo(f"dashboard: {address}")
        sys.stdout.flush()
        if open_page:
            typer.launch(address)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server raises it again
    asyncio.run(serve(place, Entrance(host, port, streams, proxy), announce))


def _audit_command(
    network: str, netuid: int, hub: str | None, competitions: str | None
) -> tuple[str, ...]:
    """This same program's audit, as the page starts it; the round and validator follow."""
    program = "from iotapretrain.cli.main import main; main()"
    command = [sys.executable, "-c", program, "audit", "--network", network]
    command += ["--netuid", str(netuid), "--sample", str(SAMPLE)]
    for option, value in (("--hub", hub), ("--competitions", competitions)):
        command += [] if value is None else [option, value]
    return tuple(command)


SAMPLE = 24
"""Losses that an audit from the page computes again: enough to be likely to see a false one."""
