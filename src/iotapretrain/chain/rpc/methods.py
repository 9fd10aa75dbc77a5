"""The questions that a Substrate node answers at once: blocks, state, the system, transactions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from iotapretrain import __version__
from iotapretrain.chain.allowances import Recent
from iotapretrain.chain.block_events import NO_WEIGHT
from iotapretrain.chain.rpc import wire
from iotapretrain.chain.rpc.wire import Params, RpcError
from iotapretrain.chain.runtime.codec import PREFIX_BYTES, SS58_FORMAT
from iotapretrain.chain.runtime.metadata import RUNTIME_VERSION
from iotapretrain.chain.runtime.scale import to_hex
from iotapretrain.chain.state_queries import Surface
from iotapretrain.errors import InputError, InvalidTransaction, RefusedError, StateDiscardedError

KEPT_KEYS = 100_000
"""Clients ask for one page after another, so the last few listings are kept: about 15 MB."""


class KeyListing:
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
        codec = self._surface.codec
        keys: list[bytes] = []
        for pallet, item in codec.items:
            own = codec.storage_key(pallet, item, ())
            if own.startswith(prefix[:PREFIX_BYTES]):
                keys += self._of_item(number, pallet, item, prefix)
        keys = sorted(key for key in keys if key.startswith(prefix))
        return self._kept.put((number, prefix), keys, len(keys) + 1)

    def _of_item(self, number: int, pallet: str, item: str, prefix: bytes) -> list[bytes]:
        surface, codec = self._surface, self._surface.codec
        known = codec.read_key(prefix)
        leading = known.keys if known else ()
        if len(leading) == len(codec.items[pallet, item].keys):
            present = surface.storage(number, pallet, item, leading) is not None
            return [codec.storage_key(pallet, item, leading)] if present else []
        return [
            codec.storage_key(pallet, item, keys)
            for keys, _ in surface.entries(number, pallet, item, leading)
        ]


MOST_KEYS = 1000
PROPERTIES = {"ss58Format": SS58_FORMAT, "tokenDecimals": 9, "tokenSymbol": "TAO"}
HEALTH = {"peers": 0, "isSyncing": False, "shouldHavePeers": False}
OTHER_NAMES = {
    "chain_getFinalisedHead": "chain_getFinalizedHead",
    "chain_getRuntimeVersion": "state_getRuntimeVersion",
    "state_getStorageAt": "state_getStorage",
    "state_getKeysPagedAt": "state_getKeysPaged",
    "state_callAt": "state_call",
    "system_accountNextIndex": "account_nextIndex",
}
"""What else clients call a method, by which name it is listed here."""

SENTENCES: dict[InvalidTransaction, str] = {
    "BadProof": "Transaction has a bad signature",
    "Stale": "Transaction is outdated",
    "Future": "Transaction will be valid in the future",
    "AncientBirthBlock": "Transaction has an ancient birth block",
    "Payment": "Inability to pay some fees (e.g. account balance too low)",
    "Call": "Transaction call is not expected",
    "ExhaustsResources": "Transaction would exhaust the block limits",
}
"""What a Substrate node says, by which clients tell the reasons apart."""


class Methods:
    """Answers requests that need no subscription; called from one thread at a time."""

    def __init__(self, surface: Surface, chain_name: str, further_names: frozenset[str]) -> None:
        self._surface, self._node = surface, surface.node
        self._chain_name = chain_name
        self._listing = KeyListing(surface)
        self._table = self._answers()
        self._names = sorted(further_names.union(self._table))

    def call(self, method: str, values: list[object]) -> object:
        """The answer to one request; raises RpcError for what cannot be answered."""
        answer = self._table.get(method)
        if answer is None:
            raise RpcError(wire.METHOD_NOT_FOUND, f"Method not found: {method}")
        try:
            return answer(Params(values))
        except RefusedError as refused:
            raise invalid_transaction(refused) from None
        except StateDiscardedError as discarded:
            block_hash = self.block_hash(discarded.block)
            raise _unknown_block(f"State already discarded for {block_hash}") from None
        except InputError as error:
            raise RpcError(wire.INVALID_PARAMS, f"Invalid params: {error}") from None

    def header(self, number: int) -> dict[str, object]:
        return self._surface.header(number) | {"number": hex(number)}

    def runtime_version(self) -> dict[str, object]:
        version = RUNTIME_VERSION
        return {
            "specName": version["spec_name"],
            "implName": version["impl_name"],
            "authoringVersion": version["authoring_version"],
            "specVersion": version["spec_version"],
            "implVersion": version["impl_version"],
            "apis": [[to_hex(api), number] for api, number in version["apis"]],
            "transactionVersion": version["transaction_version"],
            "stateVersion": version["system_version"],
        }

    def changes(self, number: int, keys: list[bytes]) -> dict[str, Any]:
        """Stored values at a block, in the form in which storage changes are told."""
        asked = dict.fromkeys(keys)  # each costs something, so none is looked up twice
        changes = [[to_hex(key), _maybe_hex(self._stored(number, key))] for key in asked]
        return {"block": self.block_hash(number), "changes": changes}

    def block_hash(self, number: int) -> str:
        """The hash of a block that must exist, as JSON."""
        found = self._node.block_hash(number)
        if found is None:
            raise _unknown_block(f"UnknownBlock: there is no block {number} yet")
        return to_hex(found)

    def _answers(self) -> dict[str, Callable[[Params], object]]:
        node = self._node
        answers: dict[str, Callable[[Params], object]] = {
            "rpc_methods": lambda _: {"methods": self._names},
            "system_name": lambda _: "iotapretrain",
            "system_version": lambda _: __version__,
            "system_chain": lambda _: self._chain_name,
            "system_chainType": lambda _: "Development",
            "system_properties": lambda _: PROPERTIES,
            "system_health": lambda _: HEALTH,
            "system_peers": lambda _: [],
            "chain_getHead": lambda _: self.block_hash(node.head()),
            "chain_getFinalizedHead": lambda _: self.block_hash(node.finalized()),
            "chain_getBlockHash": self._block_hash,
            "chain_getHeader": self._header,
            "chain_getBlock": self._block,
            "state_getRuntimeVersion": lambda _: self.runtime_version(),
            "state_getMetadata": lambda _: to_hex(self._surface.codec.metadata),
            "state_getStorage": self._storage,
            "state_queryStorageAt": self._query_storage,
            "state_getKeysPaged": self._keys,
            "state_call": self._call,
            "account_nextIndex": lambda params: node.nonce(params.account(0)),
            "author_pendingExtrinsics": lambda _: [],
            "payment_queryInfo": self._payment,
        }
        return answers | {name: answers[meant] for name, meant in OTHER_NAMES.items()}

    def _at(self, params: Params, position: int) -> int:
        """The block that a request is about; the newest when it names none."""
        block_hash = params.hash(position)
        if block_hash is None:
            return self._node.head()
        number = self._node.block_number(block_hash)
        if number is None:
            raise _unknown_block(f"UnknownBlock: {to_hex(block_hash)} is not a block of this chain")
        return number

    def _found(self, params: Params) -> int | None:
        """The same, for questions about blocks themselves, where an unknown one has no answer."""
        block_hash = params.hash(0)
        return self._node.head() if block_hash is None else self._node.block_number(block_hash)

    def _block_hash(self, params: Params) -> object:
        asked = params.optional(0)
        if asked is None:
            return self.block_hash(self._node.head())
        if not isinstance(asked, list):
            return self._hash_of(params, 0)
        numbers = Params(asked)
        return [self._hash_of(numbers, place) for place in range(min(len(asked), MOST_KEYS))]

    def _hash_of(self, params: Params, position: int) -> str | None:
        asked = params.optional(position)
        if isinstance(asked, str):
            return _maybe_hex(self._node.block_hash(int.from_bytes(wire.from_hex(asked, position))))
        return _maybe_hex(self._node.block_hash(params.integer(position)))

    def _header(self, params: Params) -> object:
        number = self._found(params)
        return None if number is None else self.header(number)

    def _block(self, params: Params) -> object:
        number = self._found(params)
        if number is None:
            return None
        extrinsics = [to_hex(extrinsic) for extrinsic in self._node.extrinsics(number)]
        block = {"header": self.header(number), "extrinsics": extrinsics}
        return {"block": block, "justifications": None}

    def _stored(self, number: int, key: bytes) -> bytes | None:
        found = self._surface.codec.read_key(key)
        if found is None or not found.whole:
            return None
        return self._surface.stored(number, found.pallet, found.item.name, found.keys)

    def _storage(self, params: Params) -> object:
        return _maybe_hex(self._stored(self._at(params, 1), params.hex(0)))

    def _query_storage(self, params: Params) -> object:
        return [self.changes(self._at(params, 1), params.hexes(0, MOST_KEYS))]

    def _keys(self, params: Params) -> list[str]:
        prefix, count = params.hex(0), min(params.integer(1), MOST_KEYS)
        after = params.hex(2) if params.optional(2) else b""
        return [
            to_hex(key) for key in self._listing.page(self._at(params, 3), prefix, count, after)
        ]

    def _call(self, params: Params) -> str:
        api, _, method = params.text(0).partition("_")
        return to_hex(self._surface.answer(self._at(params, 2), api, method, params.hex(1)))

    def _payment(self, params: Params) -> dict[str, object]:
        fee = self._node.fee(params.hex(0))
        return {"weight": NO_WEIGHT, "class": "normal", "partialFee": str(fee)}


def _maybe_hex(data: bytes | None) -> str | None:
    return None if data is None else to_hex(data)


def _unknown_block(message: str) -> RpcError:
    return RpcError(wire.UNKNOWN_BLOCK, f"Client error: {message}")


def invalid_transaction(refused: RefusedError) -> RpcError:
    """A refusal as a Substrate node words it."""
    sentence = f"{SENTENCES[refused.reason]} ({refused.detail})"
    return RpcError(wire.INVALID_TRANSACTION, "Invalid Transaction", sentence)
