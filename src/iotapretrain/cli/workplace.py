"""Options that several commands share, and what they name.

A competition is `FILE.toml:NAME`, or `tiny/NAME` and `sn9/NAME`, which ship with us.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.rules.competition.schedule import Competition, Schedule

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
PlainHub = Annotated[
    str, typer.Option("--hub", envvar="IOTA_HUB", help="folder:PATH, hf, or hf:ENDPOINT.")
]
TextCache = Annotated[
    Path | None, typer.Option("--cache", help="Cache folder. Default: $IOTA_CACHE or the user's.")
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
Metrics = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Serve Prometheus metrics there, at /metrics."),
]
Wandb = Annotated[
    str | None,
    typer.Option(metavar="PROJECT", help="Also log to wandb; offline unless logged in."),
]

_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)", re.ASCII)
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


def find_schedule(place: str | None, network: str) -> tuple[Schedule, str]:
    """A schedule with the text that it was read from; a network's folder may hold one."""
    own = Path(network.removeprefix("embedded:")) / COMPETITIONS
    use_own = place is None and own.is_file()
    return _read_schedule(own if use_own else _schedule_path(place or "tiny"), "competitions")


def find_competition(place: str) -> Competition:
    """The competition of that name, as its last range of blocks describes it."""
    return find_scheduled(place)[1]


def find_scheduled(place: str) -> tuple[Schedule, Competition]:
    """The same with the schedule that it is part of."""
    path, name = _file_and_name(place)
    schedule, _ = _read_schedule(path, f"competition {place}")
    competitions = {each.name: each for each in schedule.competitions}
    if name not in competitions:
        raise InputError(f"competition {place}: {path} has {', '.join(competitions)}")
    return schedule, competitions[name]


def genesis_path(place: str) -> Path:
    """Of a genesis by name, `tiny` or `manual`, or of a file."""
    from iotapretrain.disk.whole_files import shipped

    known = sorted(path.stem for path in shipped("networks").glob("*.toml"))
    if place in known:
        return shipped("networks") / f"{place}.toml"
    if not place.endswith(".toml"):
        raise InputError(f"genesis {place!r}: there are {', '.join(known)}; or write FILE.toml")
    return Path(place)


def check_folder(folder: Path) -> None:
    """Say at once that there is no such folder; all else is looked at by whoever opens it."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")


def parse_size(text: str) -> int:
    """Bytes, of sizes as people write them; the letter i makes a unit a power of 1,024."""
    match = _SIZE.fullmatch(text.strip())
    units = {unit.lower(): factor for unit, factor in _UNITS.items()}
    if match is None or match[2].lower() not in units:
        raise InputError(f"size {text!r}: write it like 500MB or 15GiB")
    return int(float(match[1]) * units[match[2].lower()])


def _read_schedule(path: Path, asked: str) -> tuple[Schedule, str]:
    from iotapretrain.rules.competition.schedule_file import parse

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{asked}: {path} cannot be read: {error}") from error
    return parse(text, str(path)), text


def _file_and_name(place: str) -> tuple[Path, str]:
    file, _, name = place.rpartition(":")
    if file.endswith(".toml"):
        return Path(file), name
    file, _, name = place.partition("/")
    if not file.isidentifier() or not name:
        raise InputError(f"competition {place!r}: write tiny/NAME, sn9/NAME or FILE.toml:NAME")
    return _schedule_path(file), name


def _schedule_path(place: str) -> Path:
    """`tiny` and `sn9` ship with us."""
    if place.endswith(".toml"):
        return Path(place)
    from iotapretrain.disk.whole_files import shipped

    return shipped("competitions") / f"{place}.toml"
