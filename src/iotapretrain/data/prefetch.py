"""Several fetches at once, their results in order, never more than a few ahead of the reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

WORKERS = 8
"""Fetches at once: they wait on the network, not on a core."""


def prefetched(
    fetch: Callable[[Item], Value], items: Iterable[Item], workers: int = WORKERS
) -> Generator[Value, None, None]:
    """`map(fetch, items)`, up to `workers` items ahead; an error comes at its item's turn.

    What is under way when the reader stops ends by its own deadline, unseen.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="prefetch")
    waiting: deque[Future[Value]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(fetch, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
