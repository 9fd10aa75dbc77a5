"""Jobs on this machine: some threads, each with a worker process that stays warm."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import AbstractContextManager

from iotapretrain.errors import InputError, WorkerError
from iotapretrain.models.worker import TASKS, Budget, Worker
from iotapretrain.scoring.jobs import Answer, Job, not_scored, perform

CLOSING_SECONDS = 0.1
"""A worker that is just starting is ended at the next look."""


class LocalPool(AbstractContextManager["LocalPool"]):
    """An `Executor`; workers start with their first job, and end with the pool."""

    def __init__(self, workers: int, budget: Budget, module: str = TASKS) -> None:
        if workers < 1:
            raise InputError(f"{workers} workers: give 1 or more")
        self.width = workers
        self._budget, self._module = budget, module
        self._own = threading.local()
        self._workers: list[Worker] = []
        self._threads = ThreadPoolExecutor(workers, "scoring")
        self._given: list[Future[Answer]] = []
        self._closed = False
        self._turn = threading.Lock()

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        with self._turn:
            if self._closed:
                raise WorkerError("the pool of workers is closed; open another one")
            self._given = given = [self._threads.submit(self._perform, job) for job in jobs]
        for done in as_completed(given):
            yield done.result()

    def close(self) -> None:
        """End every worker process, also one that is at work; what waits is not begun."""
        with self._turn:
            self._closed = True
        while wait(self._given, CLOSING_SECONDS).not_done:
            self._end_workers()
        self._threads.shutdown()
        self._end_workers()

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.close()

    def _perform(self, job: Job) -> Answer:
        if self._closed:
            return Answer(job.number, not_scored("the pool of workers was closed"), 0.0)
        return perform(job, self._worker())

    def _worker(self) -> Worker:
        """This thread's own: a worker process dies with the thread that started it."""
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = Worker(self._budget, self._module)
            self._workers.append(worker)
        return worker
