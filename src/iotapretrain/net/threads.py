"""Threads for work that blocks. A hand ends with the process, whatever it is waiting for: joining
it, as a pool does when Python exits, could take as long as the slowest hub.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, final

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 8
"""Fetches at once: they wait on the network, not on a core."""


class Hand:
    """One thread that does what it is given, one thing after the other.

    A sandboxed worker dies with the thread that started it, so whoever has a worker keeps to one.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def do(self, job: Callable[[], Result]) -> Result:
        """The result of a job, once its turn came."""
        future: Future[Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 -- raised where the result is awaited
                future.set_exception(error)

        self._jobs.put(run)
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while True:
            self._jobs.get()()


class Hands:
    """Several of them, the next free one taking the job."""

    def __init__(self, name: str, count: int) -> None:
        self._free: asyncio.Queue[Hand] = asyncio.Queue()
        for number in range(count):
            self._free.put_nowait(Hand(f"{name}-{number}"))

    async def do(self, job: Callable[[], Result]) -> Result:
        """The result of a job, once a hand was free."""
        hand = await self._free.get()
        try:
            return await hand.do(job)
        finally:
            self._free.put_nowait(hand)


@final
class OwnLoop:
    """A thread with an event loop of its own: reading a chain must not hold up those who watch."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The answer of the work; its errors are raised here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def prefetched(
    fetch: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS
) -> Generator[Result, None, None]:
    """`map(fetch, items)`, up to `workers` items ahead; an error comes at its item's turn.

    What is under way when the reader stops ends by its own deadline, unseen.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetch")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(fetch, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
