"""What an embedded chain's journal holds: a genesis, then signed extrinsics, steps of its clock.

genesis     canonical JSON of the clock and of everything in block 0
extrinsic   the block's number, 8 bytes little-endian, then the extrinsic exactly as submitted
advance     canonical JSON of the block that a manual clock was moved to; by the wall clock it is
            the last record: the clock was stopped there
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import msgspec

from iotapretrain.errors import RecordError
from iotapretrain.rules.chain.ledger.genesis import Genesis
from iotapretrain.store.record import Draft, Record, canonical, parse

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


GENESIS, EXTRINSIC, ADVANCE = "genesis", "extrinsic", "advance"
VERSION = 1
BLOCK_BYTES = 8


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first record: by which rules, by which clock, from which state."""

    clock: BlockClock
    genesis: Genesis
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class StoredExtrinsic:
    block: int
    extrinsic: bytes


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A manual clock was moved to this block, or a wall clock stopped there for ever."""

    block: int


def beginning_draft(beginning: Beginning) -> Draft:
    return Draft(GENESIS, canonical(asdict(beginning)))


def extrinsic_draft(block: int, extrinsic: bytes, signer: str) -> Draft:
    """An extrinsic in its block; its signature is inside, as submitted."""
    return Draft(EXTRINSIC, block.to_bytes(BLOCK_BYTES, "little") + extrinsic, signer)


def step_draft(block: int) -> Draft:
    return Draft(ADVANCE, canonical({"block": block}))


def read_beginning(record: Record | None) -> Beginning:
    """The beginning from the first record of a journal."""
    if record is None or record.kind != GENESIS:
        raise RecordError("this journal holds no chain: its first record is no genesis")
    try:
        return msgspec.convert(parse(record.payload), Beginning)
    except msgspec.ValidationError as error:
        raise RecordError(f"this is no genesis of version {VERSION}: {error}") from error


def read_block(record: Record) -> int:
    """The block that a record belongs to; the genesis belongs to block 0."""
    return 0 if record.kind == GENESIS else read_record(record).block


def read_record(record: Record) -> StoredExtrinsic | ClockStep:
    if record.kind == EXTRINSIC and len(record.payload) > BLOCK_BYTES:
        block = int.from_bytes(record.payload[:BLOCK_BYTES], "little")
        return StoredExtrinsic(block, record.payload[BLOCK_BYTES:])
    if record.kind == ADVANCE:
        try:
            return msgspec.convert(parse(record.payload), ClockStep)
        except msgspec.ValidationError as error:
            raise RecordError(f"this is no step of a clock: {error}") from error
    raise RecordError(f"a chain has no records of the kind {record.kind!r}")
