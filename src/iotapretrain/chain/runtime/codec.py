"""Values to bytes and back, by the chain's own description: calls, storage, answers, events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import bittensor_core

from iotapretrain.chain.runtime.grammar import StorageItem
from iotapretrain.chain.runtime.metadata import SPEC_VERSION, TRANSACTION_VERSION, compose
from iotapretrain.chain.runtime.pallets import pallets
from iotapretrain.errors import InputError, RefusedError
from iotapretrain.rules.chain.ledger.chain_state import LedgerEvent

SS58_FORMAT = 42
PREFIX_BYTES = 32
HASH_BYTES = {"Identity": 0, "Twox64Concat": 8, "Blake2_128Concat": 16}
KEY_BYTES = {"u16": 2, "u32": 4, "u64": 8, "AccountId32": 32}
UNFIT = (ValueError, TypeError, KeyError, OverflowError)
"""What the SDK's codec raises for values and bytes that do not fit their type."""


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A decoded call: what is to be done, with its arguments by name."""

    pallet: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StorageKey:
    """What a storage key means: an item, and its map keys or the first of them."""

    pallet: str
    item: StorageItem
    keys: tuple[object, ...]

    @property
    def whole(self) -> bool:
        """Whether it names one entry; otherwise it is a prefix of several."""
        return len(self.keys) == len(self.item.keys)


class Codec:
    """Speaks for one description; `codec` shares one among all chains with the same block time."""

    def __init__(self, block_ms: int) -> None:
        self.metadata = compose(block_ms)
        self._runtime = bittensor_core.Runtime(
            self.metadata, SPEC_VERSION, TRANSACTION_VERSION, SS58_FORMAT
        )
        self._methods = self._runtime.runtime_api_map()
        self.items = {
            (pallet.name, item.name): item
            for pallet in pallets(block_ms)
            for item in pallet.storage
        }
        self._entries = {key: self._runtime.storage_entry(*key) for key in self.items}
        self._by_prefix = {bytes(self._runtime.storage_prefix(*key)): key for key in self.items}

    def compose(self, pallet: str, name: str, arguments: Mapping[str, object]) -> bytes:
        """The bytes of a call; raises InputError for an unknown one, or unfit arguments."""
        with _fitting(f"call {pallet}.{name}"):
            return bytes(self._runtime.compose_call(pallet, name, dict(arguments)))

    def decode_call(self, data: bytes) -> DecodedCall:
        """A call from its bytes; refuses what is not one, and what Python cannot hold faithfully.

        Bytes that read as text are shown as text, so a text that looks like `0x…` hex would come
        back as other bytes than were sent.
        """
        try:
            decoded = self._runtime.decode_call(data)
        except UNFIT as error:
            raise RefusedError("Call", f"not a call of this chain: {error}") from None
        arguments = {argument["name"]: argument["value"] for argument in decoded["call_args"]}
        call = DecodedCall(decoded["call_module"], decoded["call_function"], arguments)
        if self.compose(call.pallet, call.name, arguments) != data:
            raise RefusedError("Call", "it holds a text that looks like hex, or trailing bytes")
        return call

    def constant(self, pallet: str, name: str) -> Any:
        """A number that is part of the description; None when there is none of this name."""
        return self._runtime.constant(pallet, name)

    def storage_key(self, pallet: str, item: str, keys: Sequence[object]) -> bytes:
        """The key of an entry, or the prefix of all entries under the given leading keys."""
        with _fitting(f"storage {pallet}.{item}"):
            return bytes(self._runtime.storage_key(pallet, item, list(keys)))

    def read_key(self, key: bytes) -> StorageKey | None:
        """What a key or prefix stands for; None when nothing here has such a key."""
        found = self._by_prefix.get(key[:PREFIX_BYTES])
        if found is None:
            return None
        item = self.items[found]
        keys, offset = [], PREFIX_BYTES
        for hasher, kind in zip(item.hashers, item.keys, strict=True):
            start = offset + HASH_BYTES[hasher]
            offset = start + KEY_BYTES[kind]
            if len(key) < offset:
                break
            keys.append(self._runtime.decode(kind, key[start:offset]))
        same = self.storage_key(*found, keys) == key
        return StorageKey(found[0], item, tuple(keys)) if same else None

    def encode_value(self, pallet: str, item: str, value: object) -> bytes:
        return bytes(self._runtime.encode(self._entries[pallet, item].value_type, value))

    def decode_value(self, pallet: str, item: str, data: bytes | None) -> object:
        """A stored value as read; the item's default, or None, where nothing is stored."""
        entry = self._entries[pallet, item]
        if data is None:
            if entry.modifier == "Optional":
                return None
            data = bytes(entry.default_bytes)
        return self._runtime.decode(entry.value_type, data)

    def knows(self, api: str, method: str) -> bool:
        """Whether the description has this runtime API method."""
        return method in self._methods.get(api, {})

    def decode_arguments(self, api: str, method: str, data: bytes) -> tuple[object, ...]:
        """The arguments of a runtime API call; raises InputError for other bytes."""
        kinds = [kind for _, kind in self._methods[api][method]["inputs"]]
        with _fitting(f"arguments of {api}.{method}"):
            if len(kinds) == 1:
                return (self._runtime.decode(kinds[0], data),)
            return tuple(self._runtime.decode(f"({','.join(kinds)})", data))

    def encode_answer(self, api: str, method: str, value: object) -> bytes:
        return bytes(self._runtime.encode(self._methods[api][method]["output"], value))

    def decode_answer(self, api: str, method: str, data: bytes) -> object:
        return self._runtime.decode(self._methods[api][method]["output"], data)

    def encode_events(self, events: Iterable[LedgerEvent]) -> bytes:
        """The value of `System.Events` in a block in which these things happened."""
        return self.encode_value("System", "Events", [_record(event) for event in events])

    def event_records(self, events: Iterable[LedgerEvent]) -> list[dict[str, Any]]:
        decoded = self.decode_value("System", "Events", self.encode_events(events))
        return cast(list[dict[str, Any]], decoded)

    def decode_extrinsic(self, data: bytes) -> dict[str, Any]:
        """A stored extrinsic as clients show it; raises InputError for other bytes."""
        with _fitting("extrinsic"):
            return cast(dict[str, Any], self._runtime.decode_extrinsic(data))

    def decode(self, kind: str, data: bytes) -> object:
        """Bytes by the name of any type; raises InputError when they do not fit."""
        with _fitting(kind):
            return self._runtime.decode(kind, data)


@contextmanager
def _fitting(what: str) -> Iterator[None]:
    """Values and bytes that do not fit their type are refused by name."""
    try:
        yield
    except UNFIT as error:
        raise InputError(f"{what}: {error}") from None


def _record(event: LedgerEvent) -> dict[str, object]:
    phase = "Initialization" if event.extrinsic is None else {"ApplyExtrinsic": event.extrinsic}
    happened = {event.name: dict(event.values)} if event.values else event.name
    return {"phase": phase, "event": {event.pallet: happened}, "topics": []}


@lru_cache(maxsize=8)
def codec(block_ms: int) -> Codec:
    """The codec for chains with blocks this many milliseconds apart."""
    return Codec(block_ms)
