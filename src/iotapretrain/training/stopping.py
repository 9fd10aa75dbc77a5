"""When a run ends, and how it is asked to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from types import FrameType


class StopReason(IntEnum):
    """Why a run stands still; numbers, so that ranks can agree on one."""

    RUNNING = 0
    PLAN = 1
    STEPS = 2
    SECONDS = 3
    LOSS = 4
    INTERRUPTED = 5


@dataclass(frozen=True)
class StopLimits:
    """What ends a sitting before the plan does; None is no limit."""

    steps: int | None = None
    seconds: float | None = None
    loss: float | None = None

    def reason(self, step: int, steps: int, seconds: float, loss: float) -> StopReason:
        """Why to stop after `step` of the plan's `steps`, if at all."""
        if step >= steps:
            return StopReason.PLAN
        if self.steps is not None and step >= self.steps:
            return StopReason.STEPS
        if self.seconds is not None and seconds >= self.seconds:
            return StopReason.SECONDS
        if self.loss is not None and loss <= self.loss:
            return StopReason.LOSS
        return StopReason.RUNNING


class Wish:
    """Somebody's wish that the run should end soon and well."""

    def __init__(self) -> None:
        self.expressed = False

    def express(self, signum: int, _frame: FrameType | None) -> None:
        """The first time it is noted; the second time the program ends at once."""
        self.expressed = True
        signal.signal(signum, signal.SIG_DFL)


@contextmanager
def wishes() -> Iterator[Wish]:
    """Take Ctrl-C and SIGTERM as a wish; in a thread nobody can send any."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {each: signal.signal(each, wish.express) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
