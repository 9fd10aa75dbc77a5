"""Models times tasks: what is known is not computed again, what cannot be had is said."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from iotapretrain.benchmark.subject import Subject, identified, located
from iotapretrain.data.page_cache import PageCache
from iotapretrain.errors import IotaError
from iotapretrain.hub.model_cache import ModelCache as HubCache
from iotapretrain.models.worker import Worker

if TYPE_CHECKING:
    from iotapretrain.benchmark.opened_model import Opened

DOMAIN = "benchmark/1"

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""
Watch = Callable[[str, str, int, int], None]
"""Is told the model, what is done with it, how much of it is done, and of how much."""


class MetricValue(msgspec.Struct, frozen=True):
    """A number, and the standard error of it where one is known."""

    value: float
    stderr: float | None = None


class Measurement(msgspec.Struct, frozen=True):
    """The metrics of one model on one task; `basis` says how many of what they rest on."""

    metrics: dict[str, MetricValue]
    basis: dict[str, int]


class BenchmarkTask(Protocol):
    """Something that a model can be measured by."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def fingerprint(self) -> str:
        """All that its results depend on, but for the model."""

    def measure(self, opened: Opened, progress: Progress) -> Measurement:
        """The model's metrics."""


def mean(values: Sequence[float]) -> MetricValue:
    """The mean and its standard error, s / √n."""
    count = len(values)
    average = math.fsum(values) / count
    if count == 1:
        return MetricValue(average)
    variance = math.fsum((value - average) ** 2 for value in values) / (count - 1)
    return MetricValue(average, math.sqrt(variance / count))


class MeasuredModel(msgspec.Struct, frozen=True):
    """One model on one task: its metrics, or the sentence that says why there are none."""

    model: str
    task: str
    digest: str
    """Of weights and configuration, then of the tokenizer."""
    metrics: dict[str, MetricValue] = {}
    basis: dict[str, int] = {}
    seconds: float = 0.0
    kept: bool = False
    """Whether it was computed by an earlier run."""
    missing: str | None = None


@dataclass(frozen=True)
class BenchmarkRun:
    """Where models come from, where they compute, and where results are kept."""

    cache: PageCache
    hub: str
    hub_cache: HubCache
    worker: Worker
    device: str = "cpu"
    tokenizer: str | None = None

    def results(
        self, places: Sequence[str], tasks: Sequence[BenchmarkTask], watch: Watch
    ) -> Iterator[MeasuredModel]:
        """Each result as soon as it is there.

        A fault of one task or of its data leaves out that result; a model that cannot be had or
        opened ends the run, before anything is computed where that can be.
        """
        with ExitStack() as stack:
            subjects = []
            for place in dict.fromkeys(places):
                fetching = partial(watch, place, "fetching")
                model = located(place, self.hub, self.hub_cache, fetching)
                folder = stack.enter_context(model)
                subject = stack.enter_context(identified(place, folder, self.tokenizer))
                subjects.append(subject)
            for subject in subjects:
                yield from self._of_one(subject, tasks, watch)
                subject.spelling.close()

    def _of_one(
        self, subject: Subject, tasks: Sequence[BenchmarkTask], watch: Watch
    ) -> Iterator[MeasuredModel]:
        # It brings torch along, which wrong names and known results need not wait for.
        from iotapretrain.benchmark.opened_model import open_subject

        opened: Opened | None = None
        for task in tasks:
            empty = MeasuredModel(subject.name, task.name, subject.digest)
            try:
                name = f"{DOMAIN}/{subject.digest}/{task.fingerprint()}"
                kept = self.cache.get(name)
            except IotaError as error:
                yield replace(empty, missing=str(error))
                continue
            if kept is not None:
                known = msgspec.json.decode(kept, type=MeasuredModel)
                yield replace(known, model=subject.name, task=task.name, kept=True)
                continue
            opened = opened or open_subject(subject, self.worker, self.device)
            result = self._measured(empty, task, opened, partial(watch, subject.name, task.name))
            if result.missing is None:
                self.cache.put(name, msgspec.json.encode(result))
            yield result

    def _measured(
        self, empty: MeasuredModel, task: BenchmarkTask, opened: Opened, progress: Progress
    ) -> MeasuredModel:
        started = time.perf_counter()
        try:
            found = task.measure(opened, progress)
        except IotaError as error:
            return replace(empty, missing=str(error))
        seconds = time.perf_counter() - started
        return replace(empty, metrics=found.metrics, basis=found.basis, seconds=seconds)
