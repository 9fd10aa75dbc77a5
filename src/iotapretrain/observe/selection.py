"""Events out of the records of a whole network: whose, which and when."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent
from iotapretrain.observe.sink import read_events

RECORDS = "records.jsonl"


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
