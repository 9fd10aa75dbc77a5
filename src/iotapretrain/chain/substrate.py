"""The SDK's own client on an embedded chain: `bt.Client(substrate=EmbeddedSubstrate(path))`.

What a reader sees has been through the bytes that a server would send, so both give equal answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, final

from bittensor import Balance, ChainError
from bittensor.result import ConnectionNotReady, ExtrinsicResult

from iotapretrain.chain.block_events import NO_WEIGHT
from iotapretrain.chain.embedded_chain import EmbeddedChain
from iotapretrain.chain.runtime.extrinsic import digest
from iotapretrain.chain.runtime.metadata import SPEC_VERSION
from iotapretrain.chain.runtime.scale import to_hex
from iotapretrain.chain.sender import Sender, reached
from iotapretrain.chain.state_queries import Surface
from iotapretrain.errors import IotaError

DEFAULT_PERIOD = 128
"""Blocks for which an extrinsic is valid unless its sender says otherwise, as in the SDK."""


@dataclass(frozen=True, slots=True)
class ComposedCall:
    """A call as bytes; what the SDK hands back to be signed or put into another call."""

    data: bytes


@final
class EmbeddedSubstrate:
    """The SDK's `Substrate` contract over an embedded chain in this process.

    There are no forks, fees, weights or multisig accounts, and only a served chain lets others sign
    elsewhere. A block is the newest where its hash is None.
    """

    def __init__(self, path: Path) -> None:
        self.token_symbols: dict[int, str] = {}
        self._path = path
        self._open: Sender | None = None

    # Lifecycle

    async def connect(self) -> None:
        if self._open is None:
            self._open = Sender(await asyncio.to_thread(EmbeddedChain, self._path))

    async def close(self) -> None:
        sender, self._open = self._open, None
        if sender is not None:
            await asyncio.to_thread(sender.chain.close)

    @property
    def chain(self) -> EmbeddedChain:
        return self._sender.chain

    @property
    def _sender(self) -> Sender:
        if self._open is None:
            raise ConnectionNotReady(
                "the chain is not open: `async with Client(...)`, or connect()"
            )
        return self._open

    def balance(self, rao: int, netuid: int = 0) -> Balance:
        """An amount with the subnet's symbol."""
        return Balance(int(rao), netuid, self.token_symbols.get(netuid) if netuid else None)

    # Blocks

    async def block_hash(self, block: int | None = None) -> str:
        found = self.chain.block_hash(self.chain.head() if block is None else block)
        if found is None:
            raise ChainError(f"no block at height {block}")
        return to_hex(found)

    async def block_number(self) -> int:
        return self.chain.head()

    async def finalized_block_number(self) -> int:
        return self.chain.finalized()

    async def block_time(self) -> float:
        return self.chain.clock.settings.block_ms / 1000

    async def spec_version(self) -> int:
        return SPEC_VERSION

    async def get_block(
        self, block_number: int | None = None, block_hash: str | None = None
    ) -> dict[str, Any] | None:
        chain = self.chain
        number = self._number(block_hash) if block_number is None else block_number
        found = chain.block_hash(number)
        if found is None:
            return None
        header = {**self._surface.header(number), "hash": to_hex(found)}
        extrinsics = [chain.codec.decode_extrinsic(data) for data in chain.extrinsics(number)]
        return {"header": header, "extrinsics": extrinsics}

    async def blocks(self, *, finalized: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Headers of the newest block and of every one that follows."""
        number = self.chain.finalized() if finalized else self.chain.head()
        while True:
            head = await reached(self.chain, number)
            for each in range(number, head + 1):
                yield {"header": self._surface.header(each)}
            number = head + 1

    async def events(self, block_hash: str | None = None) -> list[dict[str, Any]]:
        return self.chain.codec.event_records(self.chain.events(self._number(block_hash)))

    # State

    async def query(
        self,
        module: str,
        storage_function: str,
        params: Sequence[Any] | None = None,
        block_hash: str | None = None,
    ) -> Any:
        number = self._number(block_hash)
        return self._stored(number, module, storage_function, tuple(params or ()))

    async def query_batch(
        self,
        module: str,
        storage_function: str,
        param_sets: Sequence[Sequence[Any]],
        block_hash: str | None = None,
    ) -> list[Any]:
        """One storage map under many keys, as of one block."""
        number = self._number(block_hash)
        return [self._stored(number, module, storage_function, tuple(keys)) for keys in param_sets]

    async def query_map(
        self,
        module: str,
        storage_function: str,
        params: Sequence[Any] | None = None,
        block_hash: str | None = None,
    ) -> list[tuple[Any, Any]]:
        prefix, codec = tuple(params or ()), self.chain.codec
        entries = self._surface.entries(self._number(block_hash), module, storage_function, prefix)
        pairs = []
        for keys, value in entries:
            stored = codec.encode_value(module, storage_function, value)
            free = keys[len(prefix) :]
            key = free[0] if len(free) == 1 else free
            pairs.append((key, codec.decode_value(module, storage_function, stored)))
        return pairs

    async def map_has_entries(
        self,
        module: str,
        storage_function: str,
        params: Sequence[Any],
        block_hash: str | None = None,
    ) -> bool:
        number = self._number(block_hash)
        entries = self._surface.entries(number, module, storage_function, tuple(params))
        return next(entries, None) is not None

    async def runtime_call(
        self,
        api: str,
        method: str,
        params: Sequence[Any] | dict[str, Any],
        block_hash: str | None = None,
    ) -> Any:
        arguments = tuple(params.values() if isinstance(params, dict) else params)
        codec = self.chain.codec
        if not codec.knows(api, method):
            raise ChainError(f"Exported method {api}_{method} is not found")
        answer = self.chain.runtime_api(self._number(block_hash), api, method, arguments)
        return codec.decode_answer(api, method, codec.encode_answer(api, method, answer))

    async def constant(self, module: str, name: str) -> Any:
        return self.chain.codec.constant(module, name)

    async def decode_scale(self, type_string: str, data: bytes | str) -> Any:
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data)
        return self.chain.codec.decode(type_string, raw)

    # Calls

    async def compose(self, call: Any) -> ComposedCall:
        module, function, params = call
        arguments = {name: _unwrapped(value) for name, value in params.items()}
        try:
            return ComposedCall(self.chain.codec.compose(module, function, arguments))
        except IotaError as error:
            raise ChainError(str(error)) from error

    async def estimate_fee(self, call: ComposedCall, keypair: Any) -> Balance:  # noqa: ARG002 -- contract
        return Balance.from_rao(0)

    async def estimate_weight(self, call: Any, keypair: Any) -> dict[str, int]:  # noqa: ARG002 -- contract
        return dict(NO_WEIGHT)

    async def account_next_index(self, address: str) -> int:
        return self.chain.nonce(address)

    async def mev_next_key(self) -> bytes | None:
        """The key to seal to, which hides nothing here."""
        value = await self.query("MevShield", "NextKey")
        return bytes.fromhex(value.removeprefix("0x"))

    # Writing

    async def sign_extrinsic(
        self, call: ComposedCall, keypair: Any, *, nonce: int, period: int
    ) -> tuple[bytes, str]:
        data = self._sender.signed(call.data, keypair, nonce, period)
        return data, to_hex(digest(data))

    async def submit(
        self,
        call: ComposedCall,
        keypair: Any,
        *,
        nonce: int | None = None,
        period: int | None = DEFAULT_PERIOD,
        wait_for_inclusion: bool = True,
        wait_for_finalization: bool = True,
    ) -> ExtrinsicResult:
        """Sign a call, have it included, and say how it went."""
        placed = await self._sender.send(call.data, keypair, nonce, period)
        return await self._sender.outcome(placed, wait_for_inclusion or wait_for_finalization)

    async def submit_signed(
        self,
        extrinsic: Any,
        keypair: Any,  # noqa: ARG002 -- part of the contract
        *,
        wait_for_inclusion: bool = True,
        wait_for_finalization: bool = True,
    ) -> ExtrinsicResult:
        """Have a signed extrinsic included, and say how it went."""
        placed = await self._sender.place(extrinsic.data)
        return await self._sender.outcome(placed, wait_for_inclusion or wait_for_finalization)

    async def find_extrinsic(self, extrinsic_hash: str, block_hash: str) -> ExtrinsicResult | None:
        """How an extrinsic of a block went; None if it is not in it."""
        number = self._number(block_hash)
        for index, data in enumerate(self.chain.extrinsics(number)):
            if to_hex(digest(data)) == extrinsic_hash:
                return self._sender.result(number, index)
        return None

    async def prepare(self, *_: Any, **__: Any) -> NoReturn:
        raise ChainError("an embedded chain signs in this process; serve it to sign elsewhere")

    submit_signature = prepare

    def multisig_account(self, *_: Any, **__: Any) -> NoReturn:
        raise ChainError("an embedded chain has no multisig accounts")

    async def submit_multisig(self, *_: Any, **__: Any) -> NoReturn:
        self.multisig_account()

    @property
    def _surface(self) -> Surface:
        return Surface(self.chain, self.chain.codec)

    def _stored(self, number: int, module: str, item: str, keys: tuple[Any, ...]) -> Any:
        codec = self.chain.codec
        if (module, item) not in codec.items:
            raise ChainError(f"storage {module}.{item} is not found")
        stored = self._surface.stored(number, module, item, keys)
        return codec.decode_value(module, item, stored)

    def _number(self, block_hash: str | None) -> int:
        if block_hash is None:
            return self.chain.head()
        number = self.chain.block_number(bytes.fromhex(block_hash.removeprefix("0x")))
        if number is None:
            raise ChainError(f"no block {block_hash} on this chain")
        return number


def _unwrapped(value: Any) -> Any:
    """An argument that may hold a composed call."""
    return value.data if isinstance(value, ComposedCall) else value
