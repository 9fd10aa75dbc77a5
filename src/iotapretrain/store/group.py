"""Group commit: many submit at once, and one wait for the disk serves them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Full, Queue
from typing import Generic, TypeVar

from iotapretrain.errors import StoreError

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP_SIZE = 1000
QUEUE_SIZE = 100_000


class GroupCommit(Generic[Item, Result]):
    """One thread that takes whatever has been submitted while it was busy, and commits it.

    `commit` answers for every item of a group, in order, with its result or with the error that its
    submitter shall see; an error that it raises is everybody's.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._commit = commit
        self._waiting: Queue[tuple[Item, Future[Result]] | None] = Queue(QUEUE_SIZE)
        self._open = True
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="group commit", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Result]:
        """Return at once; the future is done when the item is durable or refused."""
        future: Future[Result] = Future()
        with self._door:
            if not self._open:
                raise StoreError("nothing can be submitted any more: this is closed")
            try:
                self._waiting.put_nowait((item, future))
            except Full:
                raise StoreError(
                    f"{QUEUE_SIZE:,} commands wait for the disk already; submit more slowly"
                ) from None
        return future

    def close(self) -> None:
        """Commit what was submitted, then stop."""
        with self._door:
            was_open, self._open = self._open, False
        if was_open:
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            taken = self._take()
            closing = None in taken
            group = [
                entry
                for entry in taken
                if entry is not None and entry[1].set_running_or_notify_cancel()
            ]
            if group:
                self._settle(group)

    def _take(self) -> list[tuple[Item, Future[Result]] | None]:
        taken = [self._waiting.get()]
        while len(taken) < GROUP_SIZE and not self._waiting.empty():
            taken.append(self._waiting.get())
        return taken

    def _settle(self, group: Sequence[tuple[Item, Future[Result]]]) -> None:
        outcomes: Sequence[Result | Exception]
        try:
            outcomes = self._commit([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - not swallowed: every submitter raises it
            outcomes = [error] * len(group)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
