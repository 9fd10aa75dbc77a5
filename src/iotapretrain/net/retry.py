"""How others are waited for: until when, how long between two tries, and when to give up."""

from __future__ import annotations

import asyncio
import email.utils
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from iotapretrain.errors import (
    InputError,
    UnavailableHubError,
    UnavailableSourceError,
    UnreachableError,
)

Clock = Callable[[], float]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Deadline:
    """The moment at which a task gives up, on a clock that never goes back."""

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> Deadline:
        if not seconds > 0:
            raise InputError(f"a deadline of {seconds} s leaves no time; give more than 0")
        return cls(clock() + seconds, clock)

    def left(self) -> float:
        """Seconds that remain; not above 0 once it has passed."""
        return self.at - self.clock()


def late(task: str) -> UnavailableHubError:
    return UnavailableHubError(f"{task}: not done before its deadline; try again later")


def pause(failures: int, first: float, longest: float, rng: random.Random) -> float:
    """Seconds to wait after so many failures in a row: first · 2^(failures - 1), at most `longest`.

    Chance takes up to half of it, so that those who failed together do not come back together.
    """
    return min(first * 2.0 ** (failures - 1), longest) * rng.uniform(0.5, 1.0)


class PassingFault(Exception):  # noqa: N818 -- whoever tries again turns it into an error
    """A source of text failed in a way that may pass; `retry_after` is how long it asked for."""

    def __init__(self, source: str, problem: str, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.source, self.retry_after = source, retry_after


@dataclass(frozen=True)
class Patience:
    """How often and for how long something is tried: `tries` in a row, `seconds` in all.

    Pauses between tries double from the first to the longest, less what chance takes; what the
    other side asks us to wait comes on top. One that would end after the deadline is not begun.
    """

    tries: float = 6
    first_pause: float = 1.0
    longest_pause: float = 60.0
    seconds: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    clock: Clock = time.monotonic
    rng: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        if self.tries < 1 or not 0 <= self.first_pause <= self.longest_pause:
            raise InputError("patience needs tries >= 1 and 0 <= first_pause <= longest_pause")

    def deadline(self, seconds: float | None = None) -> Deadline:
        return Deadline.after(seconds or self.seconds, self.clock)

    def keep_trying(self, call: Callable[[], Answer], deadline: Deadline | None = None) -> Answer:
        """What `call` returns, called again after failures that may pass; others go through."""
        until, failures = deadline or self.deadline(), 0
        while True:
            try:
                return call()
            except (PassingFault, UnavailableHubError) as error:
                failures += 1
                self.wait(failures, error, until)

    def wait(
        self, failures: int, error: PassingFault | UnavailableHubError, deadline: Deadline
    ) -> None:
        """Pause after so many failures in a row, or raise the last one where waiting is in vain."""
        seconds = self._pause(failures) + (error.retry_after or 0.0)
        if seconds < deadline.left():
            self.sleep(seconds)
            return
        problem = f"{error}; gave up after {failures}"
        if isinstance(error, PassingFault):
            problem = f"{problem} attempts; try again later"
            raise UnavailableSourceError(error.source, problem) from error
        raise UnavailableHubError(f"{problem} tries in a row", error.retry_after) from error

    async def keep_asking(
        self,
        ask: Callable[[], Awaitable[Answer]],
        recover: Callable[[], Awaitable[None]],
        passing: tuple[type[Exception], ...],
        attempt: float,
    ) -> Answer:
        """The same of the chain: `attempt` seconds a try, and a recovery before the next one."""
        deadline, failures = self.deadline(), 0
        passing = (TimeoutError, *passing)
        while True:
            try:
                async with asyncio.timeout(min(attempt, max(deadline.left(), 0))):
                    if failures:
                        await recover()
                    return await ask()
            except passing as error:
                failures += 1
                seconds = self._pause(failures)
                if seconds >= deadline.left():
                    reason = str(error) or f"no answer within {attempt:g} s"
                    raise UnreachableError(
                        f"the chain did not answer within {self.seconds:g} s: {reason}"
                    ) from error
            await asyncio.sleep(seconds)

    def _pause(self, failures: int) -> float:
        """Seconds to wait; without end after the last try."""
        if failures >= self.tries:
            return math.inf
        return pause(failures, self.first_pause, self.longest_pause, self.rng)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None when it says neither."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return float(value)
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


class Outage:
    """Pauses by number of a thing, ever longer while nobody answers; used by one event loop."""

    def __init__(self, first: float, longest: float, rng: random.Random) -> None:
        self._first, self._longest, self._rng = first, longest, rng
        self._held: dict[int, tuple[int, float]] = {}

    def begin(self, number: int) -> float:
        """There was silence once more; the seconds until the next question."""
        failures = self._held.get(number, (0, 0.0))[0] + 1
        seconds = pause(failures, self._first, self._longest, self._rng)
        self._held[number] = failures, asyncio.get_running_loop().time() + seconds
        return seconds

    def lasts(self, number: int) -> bool:
        """Whether it is too early to ask again."""
        _, until = self._held.get(number, (0, 0.0))
        return asyncio.get_running_loop().time() < until

    def end(self, number: int) -> None:
        self._held.pop(number, None)


def duration(seconds: float) -> str:
    """As people say it: 40 s, 3 min 20 s, 5 h 2 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
