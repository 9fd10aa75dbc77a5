"""The documents of `iota benchmark --out` in a network's folder, as tables."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iotapretrain.dashboard.api_types import Benchmark, Benchmarks
from iotapretrain.dashboard.network_folder import NetworkFolder


class _Metric(msgspec.Struct, frozen=True):
    value: float


class _Result(msgspec.Struct, frozen=True):
    model: str
    task: str
    metrics: dict[str, _Metric] = {}


class _Document(msgspec.Struct, frozen=True):
    results: list[_Result]


def benchmarks(folder: Path | None) -> Benchmarks:
    """All that can be read."""
    if folder is None:
        return Benchmarks(())
    found = (_benchmark(place, text) for place, text in NetworkFolder(folder).benchmarks().items())
    return Benchmarks(tuple(each for each in found if each is not None))


def _benchmark(place: str, text: str) -> Benchmark | None:
    """A row a task and metric, a column a model."""
    try:
        document = msgspec.json.decode(text, type=_Document)
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
