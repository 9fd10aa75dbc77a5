"""What a chain must be able to answer so that it can be served: the seam between state and wire.

Values have the shape that the SDK decodes to: `docs/chain-surface.md`. Callers ask from one thread
at a time; an answer may read a file, but never sleeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from iotapretrain.rules.chain.ledger.chain_state import LedgerEvent


@dataclass(frozen=True, slots=True)
class Header:
    """One block's header; its hash is `Node.block_hash(number)`."""

    parent: bytes
    number: int
    state_root: bytes
    extrinsics_root: bytes


@dataclass(frozen=True, slots=True)
class Submitted:
    """Where an accepted extrinsic is, or will be once `Node.head()` reaches `block`."""

    hash: bytes
    block: int
    index: int


Keys = tuple[object, ...]
"""The keys of a storage entry, or the leading ones of several; also a method's arguments."""

Entry = tuple[Keys, object]
"""All keys of a storage entry, and its value."""


class Node(Protocol):
    """A chain that can be read at any block it keeps, and that accepts signed extrinsics."""

    @property
    def genesis_hash(self) -> bytes:
        """The hash of block 0."""

    def turn(self, seconds: float) -> AbstractContextManager[None]:
        """How long the questions that this thread asks meanwhile may take at a stretch.

        One that takes longer raises `UnfinishedError`; asked again, it goes on from where it was.
        """

    def head(self) -> int:
        """The newest block's number."""

    def finalized(self) -> int:
        """The newest block that can never change; at most `head()`."""

    def until_next_block(self) -> float:
        """Seconds after which asking `head()` again is worth it; a short pause without a clock."""

    def block_hash(self, number: int) -> bytes | None:
        """The hash of a block, None when there is no such block yet."""

    def block_number(self, block_hash: bytes) -> int | None:
        """The number of the block with this hash, None when it is not ours."""

    def header(self, number: int) -> Header:
        """The header of an existing block."""

    def extrinsics(self, number: int) -> list[bytes]:
        """A block's extrinsics, as submitted, length prefix included."""

    def events(self, number: int) -> list[LedgerEvent]:
        """What happened in a block, in order."""

    def storage(self, number: int, pallet: str, item: str, keys: Keys) -> object:
        """One storage value as of a block's end; None when absent (then the default applies).

        Raises `StateDiscardedError` where the state of that block is no longer kept, as do
        `storage_map` and `runtime_api`.
        """

    def storage_map(self, number: int, pallet: str, item: str, prefix: Keys) -> Iterator[Entry]:
        """The present entries of a map under leading keys, in any order."""

    def runtime_api(self, number: int, api: str, method: str, arguments: Keys) -> object:
        """The answer of a runtime API as of a block.

        Every API in `runtime/apis.py`, except `Core`, `Metadata`, `AccountNonceApi` and
        `TransactionPaymentApi`, which the caller answers from the methods below.
        """

    def nonce(self, account: str) -> int:
        """The next nonce this account may use, with what is accepted but not yet in a block."""

    def fee(self, extrinsic: bytes) -> int:
        """What this extrinsic costs its signer in rao, without tip; its signature may be void."""

    def submit(self, extrinsic: bytes) -> Submitted:
        """Check a signed extrinsic and give it its place in a block, durably.

        Raises `RefusedError` when the transaction is invalid: nothing is stored and no nonce spent.
        A call that fails when it runs is not refused: it is in its block, with a
        `System.ExtrinsicFailed` event.
        """
