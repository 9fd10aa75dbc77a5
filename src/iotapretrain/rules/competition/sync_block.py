"""What happens to a commitment when it is looked at (competition, sections 2 to 4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What to do with a hotkey's commitment now."""

    MISCONFIGURED = "misconfigured"
    """There is none, or its competition was not scheduled then or is not now."""
    TOO_EARLY = "too_early"
    """Young enough that its owner might have known the pages of the round."""
    UNCHANGED = "unchanged"
    FETCH = "fetch"


@dataclass(frozen=True)
class Sighting:
    """A commitment as it stands on the chain, and what is known about it here."""

    age: int
    """Blocks since it was made."""
    delay: int
    """Blocks that its competition waits before looking."""
    scheduled_then: bool
    scheduled_now: bool
    tracked: bool
    """It is the one that was fetched last."""
    forced: bool = False
    """Fetch it again without change."""


def action(seen: Sighting | None) -> Action:
    """The first that applies, in the order of `Action`; None is a hotkey without commitment."""
    if seen is None or not (seen.scheduled_then and seen.scheduled_now):
        return Action.MISCONFIGURED
    if seen.age < seen.delay:
        return Action.TOO_EARLY
    if seen.tracked and not seen.forced:
        return Action.UNCHANGED
    return Action.FETCH
