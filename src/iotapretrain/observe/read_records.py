"""Events out of files of records: whole, as they are written, or those that are wanted."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import msgspec

from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent

RECORDS = "records.jsonl"
MOST_BYTES = 16 * 2**20
"""Read at one look at a file that grows; the rest is there at the next."""


def read_events(path: Path) -> Iterator[AnyEvent]:
    """The events of a file in their order."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    yield from _events(lines)


class Tail:
    """Follows one file from a position; a line counts once it is whole."""

    def __init__(self, path: Path, position: int = 0) -> None:
        self.path, self.position = path, position

    def new(self) -> list[AnyEvent]:
        """The events that were completed since the last look; none while there is no file."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.position)
                read = file.read(MOST_BYTES)
        except FileNotFoundError:
            return []
        whole, _, _ = read.rpartition(b"\n")
        self.position += len(whole) + 1 if whole else 0
        return list(_events(whole.split(b"\n")))


def _events(lines: Iterable[bytes]) -> Iterator[AnyEvent]:
    """Lines that are none (cut short by a kill, or of newer kinds) are passed over."""
    decoder = msgspec.json.Decoder(AnyEvent)
    for line in lines:
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue


@dataclass(frozen=True)
class Selection:
    """Which events are wanted, from `since` to before `until`; empty and None mean all."""

    kinds: frozenset[str] = frozenset()
    source: str = ""
    since: float | None = None
    until: float | None = None

    def __contains__(self, event: AnyEvent) -> bool:
        return (
            (not self.kinds or event.__struct_config__.tag in self.kinds)
            and event.source.startswith(self.source)
            and (self.since is None or event.time >= self.since)
            and (self.until is None or event.time < self.until)
        )


def record_files(place: Path) -> list[Path]:
    """One file as it is, or every file of records below a folder."""
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError(f"{place}: there is no such folder or file of records")
    return sorted(place.rglob(RECORDS))


def select(place: Path, selection: Selection) -> Iterator[AnyEvent]:
    """What is wanted of all files, merged in the order of time."""
    wanted = (
        (event for event in read_events(path) if event in selection) for path in record_files(place)
    )
    return heapq.merge(*wanted, key=attrgetter("time"))
