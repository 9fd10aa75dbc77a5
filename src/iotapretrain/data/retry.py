"""Patience: how long to wait for a source, how often to ask again, and when to give up.

Each limit bounds the one before it: silence (seconds without a byte) ≤ attempt (one request) ≤
page (all attempts for one page). `docs/data.md` explains them together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from iotapretrain.errors import InputError, UnavailableSourceError
from iotapretrain.net.waiting import Clock, Deadline, pause

Value = TypeVar("Value")


class PassingFault(Exception):  # noqa: N818 -- it never leaves this room
    """A failure that may pass; `after` is how long the server asked to be left alone."""

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


@dataclass(frozen=True)
class Patience:
    """The limits, and the clock, pause and chance that they work with."""

    silence_seconds: float = 15.0
    """Connecting, and between two pieces of an answer."""
    attempt_seconds: float = 60.0
    """One request: cuts off a server that sends a byte now and then."""
    page_seconds: float = 180.0
    """All attempts for one page; a validator's round lasts about 1,800 s."""
    attempts: int = 6
    first_pause: float = 0.5
    """Doubles with every attempt, and is then spread by chance over 50 to 100 %."""
    longest_pause: float = 30.0
    """Where the doubling ends. A longer Retry-After is obeyed, or ends the attempts at once when it
    goes beyond the page's deadline."""
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        ordered = 0 < self.silence_seconds <= self.attempt_seconds <= self.page_seconds
        if not ordered or self.attempts < 1 or not 0 <= self.first_pause <= self.longest_pause:
            raise InputError(
                f"patience {self}: want 0 < silence ≤ attempt ≤ page seconds, attempts ≥ 1"
                " and 0 ≤ first ≤ longest pause"
            )

    def deadline(self) -> Deadline:
        """The deadline of a page that is asked for now."""
        return Deadline(self.clock() + self.page_seconds, self.clock)

    def retry(self, source: str, attempt: Callable[[], Value], deadline: Deadline) -> Value:
        """The value of the first attempt without a passing fault; any other error goes through at
        once.
        """
        for number in range(1, self.attempts + 1):
            try:
                return attempt()
            except PassingFault as fault:
                seconds = self._pause(number, fault.after)
                if number == self.attempts or seconds >= deadline.left():
                    raise UnavailableSourceError(
                        source, f"{fault}; gave up after {number} attempts; try again later"
                    ) from fault
                self.sleep(seconds)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pause(self, number: int, after: float | None) -> float:
        spread = pause(number, self.first_pause, self.longest_pause, self.rng)
        return max(spread, after or 0.0)
