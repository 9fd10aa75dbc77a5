"""What is new in a network's folder: events, signed rounds, benchmarks, names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import final

import msgspec

from iotapretrain.competition.records.public_rounds import read_round
from iotapretrain.competition.records.round_record import SignedRound
from iotapretrain.dashboard.api_types import Benchmark, Benchmarks
from iotapretrain.errors import BadRoundError
from iotapretrain.observe.events import AnyEvent
from iotapretrain.observe.read_records import RECORDS, Tail

_log = logging.getLogger(__name__)

ROUNDS_AT_ONCE = 50
"""Read before the index is written, so that memory stays flat at a start with thousands."""
DEPTHS = ("", "*/", "*/*/", "*/*/*/")
"""How deep records lie in a network's folder: the demo's, a validator's, a miner's run's."""
LARGEST_TEXT = 1 << 20


class _KeyFile(msgspec.Struct, frozen=True):
    """The public part of a key; nothing else of it is looked at."""

    address: str = msgspec.field(name="ss58Address")


class _Metric(msgspec.Struct, frozen=True):
    value: float


class _Result(msgspec.Struct, frozen=True):
    model: str
    task: str
    metrics: dict[str, _Metric] = {}


class _Document(msgspec.Struct, frozen=True):
    results: list[_Result]


@final
class NetworkFolder:
    """Follows one folder; every file is read once, and files of events from where they ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tails: dict[Path, Tail] = {}
        self._rounds: dict[Path, tuple[int, set[str]]] = {}

    def new_events(self) -> Iterator[list[AnyEvent]]:
        """Events that were written since the last look, file by file."""
        for path in self._found(RECORDS):
            tail = self._tails.setdefault(path, Tail(path))
            while events := tail.new():
                yield events

    def new_rounds(self) -> Iterator[list[SignedRound]]:
        """Rounds that were written since the last look, oldest first, some at a time."""
        folders = sorted(self.path.glob("validators/*/rounds"))
        paths = (path for folder in folders for path in self._new_files(folder))
        while some := list(islice(paths, ROUNDS_AT_ONCE)):
            yield [signed for path in some for signed in _round_of(path)]

    def names(self) -> dict[str, str]:
        """Names of wallets by the address of their hotkeys, where the network has its own."""
        return {
            address: _wallet(path)
            for path in self.path.glob("wallets/*/hotkeys/*pub.txt")
            if (address := _address(path)) is not None
        }

    def benchmarks(self) -> Benchmarks:
        """All documents of `iota benchmark --out` that can be read, as tables."""
        files = self._found("benchmark*.json")
        tables = (_benchmark(str(path.relative_to(self.path)), _text(path)) for path in files)
        return Benchmarks(tuple(each for each in tables if each is not None))

    def _found(self, name: str) -> list[Path]:
        return sorted({path for depth in DEPTHS for path in self.path.glob(depth + name)})

    def _new_files(self, folder: Path) -> list[Path]:
        """Names not seen before; a folder whose own time has not changed has none."""
        changed = folder.stat().st_mtime_ns
        before, known = self._rounds.get(folder, (0, set()))
        if changed == before:
            return []
        new = sorted({path.name for path in folder.glob("*.json")} - known)
        self._rounds[folder] = (changed, known | set(new))
        return [folder / name for name in new]


def _round_of(path: Path) -> list[SignedRound]:
    try:
        return [read_round(path.read_bytes(), str(path))]
    except (BadRoundError, OSError) as error:
        _log.warning("%s is left out: %s", path, error)
        return []


def _wallet(path: Path) -> str:
    """A wallet's name; with its hotkey's where that is not the default one."""
    hotkey, wallet = path.name.removesuffix("pub.txt"), path.parents[1].name
    return wallet if hotkey == "default" else f"{wallet}/{hotkey}"


def _address(path: Path) -> str | None:
    try:
        return msgspec.json.decode(_text(path) or "", type=_KeyFile).address
    except msgspec.DecodeError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST_TEXT else None
    except (OSError, UnicodeDecodeError):
        return None


def _benchmark(place: str, text: str | None) -> Benchmark | None:
    """A row a task and metric, a column a model."""
    try:
        document = msgspec.json.decode(text or "", type=_Document)
    except msgspec.DecodeError:
        return None
    models = tuple(dict.fromkeys(result.model for result in document.results))
    values = {
        (result.task, name, result.model): metric.value
        for result in document.results
        for name, metric in result.metrics.items()
    }
    rows = dict.fromkeys((task, name) for task, name, _ in values)
    return Benchmark(
        place,
        ("task", "metric", *models),
        tuple((task, name, *(values.get((task, name, m)) for m in models)) for task, name in rows),
    )
