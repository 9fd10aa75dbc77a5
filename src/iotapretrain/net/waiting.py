"""How to wait for others: until when, and how long between two tries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from iotapretrain.errors import InputError, UnavailableHubError

Clock = Callable[[], float]


@dataclass(frozen=True)
class Deadline:
    """The moment at which a task gives up, on a clock that never goes back."""

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> Deadline:
        """`seconds` from now."""
        if not seconds > 0:
            raise InputError(f"a deadline of {seconds} s leaves no time; give more than 0")
        return cls(clock() + seconds, clock)

    def left(self) -> float:
        """Seconds that remain; not above 0 once it has passed."""
        return self.at - self.clock()


def check(deadline: Deadline, task: str) -> None:
    """Raise once the deadline of a task has passed."""
    if deadline.left() <= 0:
        raise UnavailableHubError(f"{task}: not done before its deadline; try again later")


def pause(failures: int, first: float, longest: float, rng: Random) -> float:
    """Seconds to wait after so many failures in a row: first · 2^(failures - 1), at most `longest`.

    Chance takes up to half of it, so that those who failed together do not come back together.
    """
    return min(first * 2.0 ** (failures - 1), longest) * rng.uniform(0.5, 1.0)
