"""Jobs on this machine: some threads, each with a worker process that stays warm."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Self

from iotapretrain.competition.evaluation.jobs import Answer, Job, perform
from iotapretrain.errors import InputError
from iotapretrain.models.worker import TASKS, Budget, Worker


class LocalPool:
    """An `Executor`; workers start with their first job, and end with the pool."""

    def __init__(self, workers: int, budget: Budget, module: str = TASKS) -> None:
        if workers < 1:
            raise InputError(f"{workers} workers: give 1 or more")
        self.width = workers
        self._budget, self._module = budget, module
        self._own = threading.local()
        self._workers: list[Worker] = []
        self._threads = ThreadPoolExecutor(workers, "scoring")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        for done in as_completed([self._threads.submit(self._perform, job) for job in jobs]):
            yield done.result()

    def close(self) -> None:
        """End every worker process, also one that is at work."""
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(cancel_futures=True)

    def _perform(self, job: Job) -> Answer:
        return perform(job, self._worker())

    def _worker(self) -> Worker:
        """This thread's own: a worker process dies with the thread that started it."""
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = Worker(self._budget, self._module)
            self._workers.append(worker)
        return worker
