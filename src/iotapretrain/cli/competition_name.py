"""Competitions by name: `FILE.toml:NAME`, or `tiny/NAME` and `sn9/NAME`, which ship with us."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.rules.competition.schedule import Competition, Schedule


def find_competition(place: str) -> Competition:
    """The competition of that name, as its last range of blocks describes it."""
    return find_scheduled(place)[1]


def find_scheduled(place: str) -> tuple[Schedule, Competition]:
    """The same with the schedule that it is part of."""
    from iotapretrain.rules.competition.schedule_file import parse

    path, name = _split(place)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"competition {place}: {path} cannot be read: {error}") from error
    schedule = parse(text, str(path))
    competitions = {each.name: each for each in schedule.competitions}
    if name not in competitions:
        raise InputError(f"competition {place}: {path} has {', '.join(competitions)}")
    return schedule, competitions[name]


def schedule_path(place: str) -> Path:
    """The file of a schedule: `tiny` and `sn9` ship with us."""
    return Path(place) if place.endswith(".toml") else _shipped_folder() / f"{place}.toml"


def _split(place: str) -> tuple[Path, str]:
    file, _, name = place.rpartition(":")
    if file.endswith(".toml"):
        return Path(file), name
    file, _, name = place.partition("/")
    if not file.isidentifier() or not name:
        raise InputError(f"competition {place!r}: write tiny/NAME, sn9/NAME or FILE.toml:NAME")
    return schedule_path(file), name


def _shipped_folder() -> Path:
    """In the source tree, or beside an installed package."""
    tree = Path(__file__).parents[3] / "examples" / "competitions"
    installed = Path(sysconfig.get_path("data")) / "share" / "iotapretrain" / "competitions"
    return tree if tree.is_dir() else installed
