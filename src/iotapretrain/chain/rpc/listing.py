"""Listing storage keys: a page of those that begin with some bytes, in their order."""

from __future__ import annotations

from bisect import bisect_right

from iotapretrain.chain.recent import Recent
from iotapretrain.chain.runtime.codec import PREFIX_BYTES
from iotapretrain.chain.state_queries import Surface

KEPT_KEYS = 100_000
"""Clients ask for one page after another, so the last few listings are kept: about 15 MB."""


class KeyListing:
    """The keys that are present at a block."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._kept: Recent[tuple[int, bytes], list[bytes]] = Recent(KEPT_KEYS)

    def page(self, number: int, prefix: bytes, count: int, after: bytes) -> list[bytes]:
        """Up to `count` keys that begin with `prefix` and come after another."""
        keys = self._keys(number, prefix)
        start = bisect_right(keys, after)
        return keys[start : start + count]

    def _keys(self, number: int, prefix: bytes) -> list[bytes]:
        kept = self._kept.get((number, prefix))
        if kept is not None:
            return kept
        keys = self._read(number, prefix)
        return self._kept.put((number, prefix), keys, len(keys) + 1)

    def _read(self, number: int, prefix: bytes) -> list[bytes]:
        codec = self._surface.codec
        keys: list[bytes] = []
        for pallet, item in codec.items:
            own = codec.storage_key(pallet, item, ())
            if own.startswith(prefix[:PREFIX_BYTES]):
                keys += self._of_item(number, pallet, item, prefix)
        return sorted(key for key in keys if key.startswith(prefix))

    def _of_item(self, number: int, pallet: str, item: str, prefix: bytes) -> list[bytes]:
        surface, codec = self._surface, self._surface.codec
        if not codec.items[pallet, item].keys:
            present = surface.storage(number, pallet, item, ()) is not None
            return [codec.storage_key(pallet, item, ())] if present else []
        known = codec.read_key(prefix)
        leading = known.keys if known else ()
        if known and known.whole:
            present = surface.storage(number, pallet, item, leading) is not None
            return [prefix] if present else []
        return [
            codec.storage_key(pallet, item, keys)
            for keys, _ in surface.entries(number, pallet, item, leading)
        ]
