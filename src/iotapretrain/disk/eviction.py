"""What goes when room is short: the longest unused, for every cache on this disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Kept:
    """What may have to go: a content, or a thing of several; `lock` says whether it is in use."""

    name: str
    place: Path
    lock: Path
    last_used: float
    keys: frozenset[str]

    @classmethod
    def content(cls, place: Path) -> Kept:
        """A file that stands for itself."""
        return cls(place.name, place, place, place.stat().st_mtime, frozenset({place.name}))


def choose(
    kept: Iterable[Kept], sizes: Sizes, protected: frozenset[str], to_free: int
) -> tuple[list[Kept], int]:
    """The longest unused that free `to_free` bytes together, and the bytes they free.

    A content goes with the last that uses it, and never while it is protected.
    """
    idle = sorted((k for k in kept if not k.keys <= protected), key=lambda k: (k.last_used, k.name))
    users: dict[str, int] = {}
    for key in (key for each in idle for key in each.keys - protected):
        users[key] = users.get(key, 0) + 1
    chosen: list[Kept] = []
    freed = 0
    for each in idle:
        if freed >= to_free:
            break
        chosen.append(each)
        for key in each.keys - protected:
            users[key] -= 1
            freed += 0 if users[key] else sizes[key]
    return chosen, freed
