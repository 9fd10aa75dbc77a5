"""Virtual time, and processes in it that are killed: hours in seconds, always the same.

The loop never waits: where a real one would sleep until its next timer, this one is there at once.
What happens at one moment happens in the order in which it was asked for; nothing depends on the
wall clock, on addresses or on the order of a set. A loop in which nobody waits for a moment any
more would wait forever: it says so.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

from iotapretrain.errors import RunError

RESOLUTION = 1e-6
"""Seconds that are one moment: above what floats tell apart after a billion of them."""
P = ParamSpec("P")
Value = TypeVar("Value")


class _NothingOutside(selectors.SelectSelector):
    """Where a loop asks what has come from outside: nothing ever does, only time goes on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RunError("virtual time: everybody waits, and nobody until a moment; a deadlock")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its timers'."""

    def __init__(self) -> None:
        self._outside = _NothingOutside()
        super().__init__(self._outside)
        self._clock_resolution = RESOLUTION
        self.set_task_factory(_task_of_a_life)

    def time(self) -> float:
        """Seconds since the world began."""
        return self._outside.now


def run_virtual(main: Coroutine[Any, Any, Value]) -> Value:
    """What a coroutine comes to in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class Life:
    """A process from its start to its end: all tasks begun in it end with it, the oldest first.

    What belongs to it asks `check` before it touches a disk or a log, so that nothing of a dead
    process goes on there.
    """

    def __init__(self, name: str) -> None:
        self.name, self.over = name, False
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self._context: Context = copy_context()
        self._context.run(_LIFE.set, self)

    def begin(self, work: Coroutine[Any, Any, Value]) -> asyncio.Task[Value]:
        """A task of this process, whoever asks for it."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    def call(self, what: Callable[P, Value], *given: P.args, **named: P.kwargs) -> Value:
        """Call in this process: tasks that this begins are its own."""
        return self._context.copy().run(what, *given, **named)

    def end(self) -> None:
        """Killed: nothing is said, and no task comes past its next wait."""
        self.over = True
        for task in list(self.tasks):
            task.cancel()

    def check(self) -> None:
        """CancelledError where this process is dead."""
        if self.over:
            raise asyncio.CancelledError


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


def _task_of_a_life(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    context: Context | None = None,
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    life = _LIFE.get() if context is None else context.get(_LIFE)
    if life is not None:
        life.tasks[task] = None
        task.add_done_callback(life.tasks.pop)
        if life.over:
            task.cancel()
    return task


async def heard(task: Awaitable[Any], seconds: float) -> bool:
    """Whether another process's task ends within seconds; who waits for it never ends it."""
    done, _ = await asyncio.wait([asyncio.ensure_future(task)], timeout=seconds)
    return bool(done)
