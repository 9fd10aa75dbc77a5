"""How long and how often a hub is tried: deadlines, retries with jitter, and the hub's own wishes.

Every wait is bounded by the number of tries and by the deadline of the whole task.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from iotapretrain.errors import InputError, UnavailableHubError
from iotapretrain.net.waiting import Clock, Deadline, pause

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How often one call is tried. The n-th wait is first_wait · 2^(n-1) seconds, at most
    `longest_wait`, less up to half of it by chance; what the hub asks us to wait comes on top.
    """

    tries: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    seconds: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    clock: Clock = time.monotonic
    rng: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        if self.tries < 1 or not 0 <= self.first_wait <= self.longest_wait:
            raise InputError("patience needs tries >= 1 and 0 <= first_wait <= longest_wait")

    def keep_trying(self, call: Callable[[], Result], seconds: float | None = None) -> Result:
        """What `call` returns, called again while the hub is unavailable, for at most `seconds`."""
        deadline = Deadline.after(seconds or self.seconds, self.clock)
        failures = 0
        while True:
            try:
                return call()
            except UnavailableHubError as error:
                failures += 1
                self.wait(failures, error, deadline)

    def wait(self, failures: int, error: UnavailableHubError, deadline: Deadline) -> None:
        """Pause after so many failures in a row, or raise the last one where waiting is in vain."""
        spread = pause(failures, self.first_wait, self.longest_wait, self.rng)
        seconds = spread + (error.retry_after or 0.0)
        if failures >= self.tries or seconds >= deadline.left():
            raise UnavailableHubError(
                f"{error}; gave up after {failures} tries in a row", error.retry_after
            ) from error
        self.sleep(seconds)
