"""A dictionary that forgets what has not been used for longest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Entries whose weights, 1 unless said, come to at most `size`; the newest always stays."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: Key) -> Value | None:
        """The entry, which thereby becomes the most recent."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def held(self) -> list[Key]:
        """What there is, without using it."""
        return list(self._entries)

    def put(self, key: Key, value: Value, weight: int = 1) -> Value:
        """Keep an entry; the oldest make room."""
        self._weight += weight - self._entries.pop(key, (value, 0))[1]
        self._entries[key] = value, weight
        while self._weight > self._size and len(self._entries) > 1:
            _, (_, gone) = self._entries.popitem(last=False)
            self._weight -= gone
        return value

    def drop(self, key: Key) -> None:
        """Forget an entry, if it is there."""
        self._weight -= self._entries.pop(key, (None, 0))[1]
