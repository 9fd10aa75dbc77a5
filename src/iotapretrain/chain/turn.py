"""How long a thread may stay with one question, so that others get their answers in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from iotapretrain.errors import UnfinishedError


class Turn(threading.local):
    """One a thread; without an end unless somebody sets one."""

    def __init__(self) -> None:
        self._end: float | None = None

    @contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """End the turn so many seconds from now."""
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._end = None

    @property
    def over(self) -> bool:
        """Whether it is time to put aside what has been worked out, and to stop."""
        return self._end is not None and time.monotonic() >= self._end

    def check(self) -> None:
        """UnfinishedError once it is over; for who has put aside what it worked out."""
        if self.over:
            raise UnfinishedError
