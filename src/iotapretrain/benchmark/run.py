"""Models times tasks: what is known is not computed again, what cannot be had is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import msgspec

from iotapretrain.benchmark.measure import Measured, Metric, Task
from iotapretrain.benchmark.subject import (
    Opened,
    Subject,
    identified,
    located,
    open_subject,
)
from iotapretrain.data.page_cache import Cache
from iotapretrain.errors import IotaError
from iotapretrain.hub.model_cache import Cache as HubCache
from iotapretrain.models.worker import Worker

DOMAIN = "benchmark/1"

Watch = Callable[[str, str, int, int], None]
"""Is told the model, what is done with it, how much of it is done, and of how much."""


class Result(msgspec.Struct, frozen=True):
    """One model on one task: its metrics, or the sentence that says why there are none."""

    model: str
    task: str
    digest: str
    """Of weights and configuration, then of the tokenizer."""
    metrics: dict[str, Metric] = {}
    basis: dict[str, int] = {}
    seconds: float = 0.0
    kept: bool = False
    """Whether it was computed by an earlier run."""
    missing: str | None = None


@dataclass(frozen=True)
class Bench:
    """Where models come from, where they compute, and where results are kept."""

    cache: Cache
    hub: str
    hub_cache: HubCache
    worker: Worker
    device: str = "cpu"
    tokenizer: str | None = None

    def results(
        self,
        places: Sequence[str],
        tasks: Sequence[Task],
        watch: Watch,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Iterator[Result]:
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
                yield from self._of_one(subject, tasks, watch, clock)
                subject.spelling.close()

    def _of_one(
        self,
        subject: Subject,
        tasks: Sequence[Task],
        watch: Watch,
        clock: Callable[[], float],
    ) -> Iterator[Result]:
        opened: Opened | None = None
        for task in tasks:
            try:
                name = f"{DOMAIN}/{subject.digest}/{task.fingerprint()}"
                kept = self.cache.get(name)
            except IotaError as error:
                yield Result(subject.name, task.name, subject.digest, missing=str(error))
                continue
            if kept is not None:
                known = msgspec.json.decode(kept, type=Result)
                yield msgspec.structs.replace(known, model=subject.name, task=task.name, kept=True)
                continue
            opened = opened or open_subject(subject, self.worker, self.device)
            result = _measured(subject, task, opened, watch, clock)
            if result.missing is None:
                self.cache.put(name, msgspec.json.encode(result))
            yield result


def _measured(
    subject: Subject,
    task: Task,
    opened: Opened,
    watch: Watch,
    clock: Callable[[], float],
) -> Result:
    started = clock()
    try:
        measured: Measured = task.measure(opened, partial(watch, subject.name, task.name))
    except IotaError as error:
        return Result(subject.name, task.name, subject.digest, missing=str(error))
    return Result(
        subject.name,
        task.name,
        subject.digest,
        measured.metrics,
        measured.basis,
        clock() - started,
    )
