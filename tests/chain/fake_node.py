"""A chain in memory: enough of one to be served, and to be bent where a test needs it bent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import bittensor_core

from iotapretrain.chain.node import Header, Submitted
from iotapretrain.chain.runtime import extrinsic as extrinsics
from iotapretrain.chain.runtime.codec import DecodedCall, codec
from iotapretrain.chain.runtime.extrinsic import check_signature, digest
from iotapretrain.chain.runtime.pallets import module_error
from iotapretrain.errors import RefusedError, StateDiscardedError
from iotapretrain.rules.chain.ledger.chain_state import LedgerEvent

BLOCK_MS = 250
DISPATCH_INFO = {
    "weight": {"ref_time": 0, "proof_size": 0},
    "class": "Normal",
    "pays_fee": "Yes",
}
Keys = tuple[object, ...]


class FakeNode:
    """Puts every valid extrinsic into a block of its own, at once."""

    def __init__(self) -> None:
        self.codec = codec(BLOCK_MS)
        self.blocks: list[tuple[list[bytes], list[LedgerEvent]]] = [([], [])]
        self.values: dict[tuple[str, str], dict[Keys, object]] = {}
        self.answers: dict[tuple[str, str], object] = {}
        self.nonces: dict[str, int] = {}
        self.failing: dict[str, tuple[str, str]] = {}
        """Calls that fail when they run, by name, with the error's pallet and name."""
        self.kept_from = 0
        self.slow = 0.0

    def put(self, pallet: str, item: str, keys: Keys, value: object) -> None:
        self.values.setdefault((pallet, item), {})[keys] = value

    def advance(self) -> int:
        self.blocks.append(([], []))
        return self.head()

    @property
    def genesis_hash(self) -> bytes:
        return self.hash_of(0)

    def head(self) -> int:
        return len(self.blocks) - 1

    def finalized(self) -> int:
        return self.head()

    def until_next_block(self) -> float:
        return 0.01

    def turn(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()

    def hash_of(self, number: int) -> bytes:
        return digest(b"fake" + number.to_bytes(8, "little"))

    def block_hash(self, number: int) -> bytes | None:
        return self.hash_of(number) if 0 <= number <= self.head() else None

    def block_number(self, block_hash: bytes) -> int | None:
        return next(
            (number for number in range(len(self.blocks)) if self.hash_of(number) == block_hash),
            None,
        )

    def header(self, number: int) -> Header:
        parent = self.hash_of(number - 1) if number else bytes(32)
        return Header(parent, number, bytes(32), bytes(32))

    def extrinsics(self, number: int) -> list[bytes]:
        return self.blocks[number][0]

    def events(self, number: int) -> list[LedgerEvent]:
        return self.blocks[number][1]

    def storage(self, number: int, pallet: str, item: str, keys: Keys) -> object:
        self._check_kept(number)
        return self.values.get((pallet, item), {}).get(keys)

    def storage_map(
        self, number: int, pallet: str, item: str, prefix: Keys
    ) -> Iterator[tuple[Keys, object]]:
        self._check_kept(number)
        for keys, value in self.values.get((pallet, item), {}).items():
            if keys[: len(prefix)] == prefix:
                yield keys, value

    def runtime_api(self, number: int, api: str, method: str, arguments: Keys) -> Any:
        self._check_kept(number)
        answer = self.answers[api, method]
        return answer(*arguments) if callable(answer) else answer

    def nonce(self, account: str) -> int:
        return self.nonces.get(account, 0)

    def fee(self, extrinsic: bytes) -> int:
        return len(extrinsic)

    def submit(self, extrinsic: bytes) -> Submitted:
        parsed = extrinsics.parse(extrinsic)
        block = self.head() + 1
        check_signature(parsed, block, self.block_hash)
        signer = bittensor_core.ss58_encode(parsed.signer)
        if parsed.nonce != self.nonce(signer):
            reason = "Stale" if parsed.nonce < self.nonce(signer) else "Future"
            raise RefusedError(reason, f"the next nonce is {self.nonce(signer)}")
        call = self.codec.decode_call(parsed.call)
        self.nonces[signer] = parsed.nonce + 1
        included, events = [extrinsic], self._run(signer, call, 0)
        if call.name == "submit_encrypted":
            sealed = bytes.fromhex(call.arguments["ciphertext"].removeprefix("0x"))
            inner = extrinsics.open_sealed(self.genesis_hash, sealed)
            assert inner is not None
            within = extrinsics.parse(inner)
            check_signature(within, block, self.block_hash)
            assert within.nonce == self.nonces[signer]
            self.nonces[signer] += 1
            included.append(inner)
            events += self._run(signer, self.codec.decode_call(within.call), 1)
        self.blocks.append((included, events))
        return Submitted(digest(extrinsic), block, 0)

    def _run(self, signer: str, call: DecodedCall, index: int) -> list[LedgerEvent]:
        paid = LedgerEvent("TransactionPayment", "TransactionFeePaid", _fee(signer), index)
        if call.name in self.failing:
            error = {"dispatch_error": module_error(*self.failing[call.name])}
            values = error | {"dispatch_info": DISPATCH_INFO}
            return [paid, LedgerEvent("System", "ExtrinsicFailed", values, index)]
        if call.name == "set_commitment":
            registration = {"deposit": 0, "block": self.head() + 1, "info": call.arguments["info"]}
            keys = (call.arguments["netuid"], signer)
            self.put("Commitments", "CommitmentOf", keys, registration)
        success = {"dispatch_info": DISPATCH_INFO}
        return [paid, LedgerEvent("System", "ExtrinsicSuccess", success, index)]

    def _check_kept(self, number: int) -> None:
        time.sleep(self.slow)
        if number < self.kept_from:
            raise StateDiscardedError(number)


def _fee(signer: str) -> dict[str, object]:
    return {"who": signer, "actual_fee": 1000, "tip": 0}
