"""When blocks come about: by the wall clock, or when somebody asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClockKind = Literal["wall", "manual"]
DEFAULT_BLOCK_MS = 12_000


@dataclass(frozen=True, slots=True)
class ClockSettings:
    """The kind of clock, and how long a block takes by it (or pretends to)."""

    kind: ClockKind = "wall"
    block_ms: int = DEFAULT_BLOCK_MS


@dataclass(frozen=True, slots=True)
class BlockClock:
    """A clock that started with block 0 at `start_ms` after 1970.

    Block n is filled during the n-th interval and closed at its end, so at the start block 0 is
    closed and block 1 is being filled.
    """

    settings: ClockSettings
    start_ms: int

    def closed_at(self, now_ms: int) -> int:
        """The newest closed block at a time."""
        return max((now_ms - self.start_ms) // self.settings.block_ms, 0)

    def closes_ms(self, block: int) -> int:
        """When a block is closed; by a manual clock, when it would be."""
        return self.start_ms + block * self.settings.block_ms
