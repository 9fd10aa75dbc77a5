"""A record of a journal: its bytes, its link to the record before, and its structured payloads.

link(n) = BLAKE3(link(n - 1) ‖ MessagePack([sequence, kind, payload, author, signature]))
link(0) = BLAKE3("iotapretrain journal 1" ‖ 0x00 ‖ identity)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from blake3 import blake3

from iotapretrain.errors import BrokenError, RecordError

FORMAT = 1
"""Version of everything on this page; a journal states the version it was written by."""

KIND_LENGTH = 64
AUTHOR_LENGTH = 256
SIGNATURE_BYTES = 1024
PAYLOAD_BYTES = 8 * 2**20
"""A record is a decision, not a file: weights and the like go to the object store by digest."""


class Draft(msgspec.Struct, frozen=True):
    """What a writer wants to append; the journal gives it its place."""

    kind: str
    payload: bytes
    author: str = ""
    signature: bytes = b""

    def __post_init__(self) -> None:
        _check_name("kind", self.kind, 1, KIND_LENGTH)
        _check_name("author", self.author, 0, AUTHOR_LENGTH)
        _check_size("payload", self.payload, PAYLOAD_BYTES)
        _check_size("signature", self.signature, SIGNATURE_BYTES)


class Head(msgspec.Struct, frozen=True):
    """The last record of a journal; sequence 0 and the first link when there is none."""

    sequence: int
    link: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """A state as it was behind one record of the journal."""

    head: Head
    state: bytes


class Record(msgspec.Struct, frozen=True):
    """One link of the journal. Sequences count from 1 without gaps."""

    sequence: int
    kind: str
    payload: bytes
    author: str
    signature: bytes
    link: bytes

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.link)


def first_head(identity: str) -> Head:
    _check_name("journal identity", identity, 1, AUTHOR_LENGTH)
    return Head(0, blake3(b"iotapretrain journal %d\x00" % FORMAT + identity.encode()).digest())


def chained(head: Head, drafts: Iterable[Draft]) -> list[Record]:
    """The records that the drafts become behind `head`."""
    records = []
    for draft in drafts:
        fields = (head.sequence + 1, draft.kind, draft.payload, draft.author, draft.signature)
        head = Head(fields[0], _link(head.link, fields))
        records.append(Record(*fields, head.link))
    return records


def linked(head: Head, records: Iterable[Record]) -> Iterator[Record]:
    """The same records, each checked to continue the one before, starting behind `head`."""
    sequence, link = head.sequence, head.link
    for record in records:
        sequence += 1
        if record.sequence != sequence:
            raise BrokenError(sequence, f"it is missing; the next one found is {record.sequence}")
        fields = (sequence, record.kind, record.payload, record.author, record.signature)
        link = _link(link, fields)
        if record.link != link:
            raise BrokenError(sequence, "its bytes do not match its link")
        yield record


def canonical(value: object) -> bytes:
    """The one encoding of a structured payload: JSON, keys sorted by code point, no spaces, UTF-8.

    Strict: string keys only, no NaN or infinity, no bytes. Integers of any size stay exact,
    up to the 4,300 digits at which Python stops.
    """
    try:
        _check_keys(value)
        return _JSON.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"this value has no canonical encoding: {error}") from error


def parse(payload: bytes) -> object:
    """The value of a canonical payload. Exactly what `canonical` writes is accepted."""
    try:
        value: object = json.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        raise RecordError(f"this payload is not JSON: {error}") from error
    if canonical(value) != payload:
        raise RecordError("this payload is JSON, but not in its canonical encoding")
    return value


_JSON = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
)


def _link(previous: bytes, fields: tuple[int, str, bytes, str, bytes]) -> bytes:
    return blake3(previous + msgspec.msgpack.encode(fields)).digest()


def _check_keys(value: object) -> None:
    """The encoder would turn keys that are not strings into strings, and two keys into one."""
    if isinstance(value, Mapping):
        for key, held in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{key!r} is no string and cannot be a key")
            _check_keys(held)
    elif isinstance(value, list | tuple):
        for held in value:
            _check_keys(held)


def _check_name(what: str, name: str, shortest: int, longest: int) -> None:
    plain = isinstance(name, str) and name.isascii() and name.isprintable()
    if not plain or not shortest <= len(name) <= longest:
        raise RecordError(f"{what} {name!r}: {shortest} to {longest} printable ASCII characters")


def _check_size(what: str, held: bytes, most: int) -> None:
    if not isinstance(held, bytes):
        raise RecordError(f"{what} must be bytes, not {type(held).__name__}")
    if len(held) > most:
        raise RecordError(f"{what} of {len(held):,} bytes; at most {most:,} fit into a record")
