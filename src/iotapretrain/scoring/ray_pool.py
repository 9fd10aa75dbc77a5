"""Jobs on the machines of a Ray cluster: as many seats, each with a worker process that stays warm.
Every machine must have this package, and find the models' folders under the same paths.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from iotapretrain.errors import InputError, WorkerError
from iotapretrain.models.worker import START_SECONDS, TASKS, Budget, Worker
from iotapretrain.scoring.jobs import MOST_PATIENCE, Answer, Job, not_scored, perform

LOCAL = "local"
"""This address starts a cluster on this machine alone, and ends it with the pool."""


class Seat:
    """One process of the cluster; its worker is started by the first job."""

    def __init__(self, budget: Budget, module: str) -> None:
        self._worker = Worker(budget, module)

    def perform(self, job: Job) -> Answer:
        return perform(job, self._worker)


class RayPool(AbstractContextManager["RayPool"]):
    """An `Executor`; machines that are lost give their jobs back as the infrastructure's failure.

    No job is waited for longer than a worker's start and a model's time on a slow machine take.
    """

    def __init__(self, address: str, workers: int, budget: Budget, module: str = TASKS) -> None:
        if workers < 1:
            raise InputError(f"{workers} workers: give 1 or more")
        self.width = workers
        self._ray = _connected(address)
        self._patience = 2 * START_SECONDS + budget.seconds * (1 + MOST_PATIENCE)
        self._seat = self._ray.remote(num_cpus=budget.threads)(Seat)
        self._budget, self._module = budget, module
        self._free: list[Any] = [self._new() for _ in range(workers)]

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        waiting = list(jobs)[::-1]
        busy: dict[Any, tuple[Job, Any]] = {}
        while waiting or busy:
            while waiting and self._free:
                job, seat = waiting.pop(), self._free.pop()
                busy[seat.perform.remote(job)] = (job, seat)
            done, _ = self._ray.wait(list(busy), timeout=self._patience)
            for ended in done or list(busy):
                job, seat = busy.pop(ended)
                yield self._answer(ended, job, seat)

    def close(self) -> None:
        """Leave the cluster; what was started there ends."""
        self._ray.shutdown()

    def _new(self) -> Any:
        return self._seat.remote(self._budget, self._module)

    def _answer(self, ended: Any, job: Job, seat: Any) -> Answer:
        try:
            answer: Answer = self._ray.get(ended, timeout=0)
        except self._ray.exceptions.RayError as error:
            self._ray.kill(seat)
            seat = self._new()
            answer = Answer(job.number, not_scored(" ".join(str(error).split())[:200]), 0.0)
        self._free.append(seat)
        return answer


def _connected(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise InputError("ray is not installed; install iotapretrain[ray]") from error
    alone = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="warning", **alone)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise WorkerError(f"Ray cluster {address}: {error}; see that it runs") from error
    return ray
