"""How roles wait: for an event at most so long, and for each other's end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether an event was set in so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def together(*parts: Coroutine[object, object, None]) -> None:
    """Run all until one ends or fails, and stop the others, in their order."""
    ended = asyncio.Event()
    tasks = [asyncio.ensure_future(part) for part in parts]
    for task in tasks:
        task.add_done_callback(lambda _: ended.set())
    try:
        await ended.wait()
    finally:
        over = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in over:
        task.result()
