"""Options that all commands of the competition share: network, hub and schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.cli.competition_name import schedule_path
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.hub.protocol import Hub
    from iotapretrain.rules.competition.schedule import Schedule

COMPETITIONS = "competitions.toml"
"""In the folder of a network."""

Network = Annotated[
    str,
    typer.Option(
        "--network",
        envvar="IOTA_NETWORK",
        help="A network's folder, `embedded:PATH`, finney, test, local or ws(s)://…",
    ),
]
HubAddress = Annotated[
    str | None,
    typer.Option(
        "--hub",
        envvar="IOTA_HUB",
        help="folder:PATH, hf, or hf:ENDPOINT. Default: `hub` in the network's folder, or hf.",
    ),
]
CompetitionName = Annotated[
    str, typer.Option("--competition", help="tiny/NAME, sn9/NAME or FILE.toml:NAME.")
]
Competitions = Annotated[
    str | None,
    typer.Option(
        "--competitions",
        help="The schedule: tiny, sn9 or FILE.toml. Default: the network folder's, or tiny.",
    ),
]
TokenizerPlace = Annotated[
    str | None,
    typer.Option("--tokenizer", help="Where its tokenizer lies. Default: as the file says."),
]
Publishing = Annotated[
    str | None,
    typer.Option(
        "--validator", metavar="HOTKEY", help="Default: the one with most stake that publishes."
    ),
]


def find_hub(address: str | None, network: str, owner: str | None = None) -> Hub:
    """The hub that is named, or the one that belongs to the network.

    `owner` is our namespace, which a folder hub has to be told; elsewhere the login knows it.
    """
    from iotapretrain.hub.address import open_hub

    folder = Path(network.removeprefix("embedded:"))
    if address is None:
        address = f"folder:{folder / 'hub'}" if folder.is_dir() else "hf"
    return open_hub(address, owner if address.startswith("folder:") else None)


def find_schedule(place: str | None, network: str) -> tuple[Schedule, str]:
    """A schedule with the text that it was read from; a network's folder may hold one."""
    from iotapretrain.rules.competition.schedule_file import parse

    own = Path(network.removeprefix("embedded:")) / COMPETITIONS
    path = own if place is None and own.is_file() else schedule_path(place or "tiny")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"competitions: {path} cannot be read: {error}") from error
    return parse(text, str(path)), text
