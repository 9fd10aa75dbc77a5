"""The formats of record files: how JSON lines, plain text and WARC become documents."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol

from iotapretrain.data.documents import Document, decode, document, piece_end

LARGEST_RECORD = LARGEST_LINE = 64 << 20
STEP = 1 << 16
DOCUMENT_BYTES = 64 << 10
"""A larger file becomes several documents, each cut where a blank line is, else a line's end."""

_CHARSET = re.compile(rb"charset=[\"']?([\w.:-]+)", re.IGNORECASE)

Headers = dict[bytes, bytes]


class BadRecordError(ValueError):
    """A record that breaks its format; it becomes a `CorruptSourceError` that names the file."""


class RecordReader(Protocol):
    """How one format's records are found and read."""

    def scan(self, file: BinaryIO) -> Iterator[int]:
        """Where each record begins."""

    def read(self, file: BinaryIO, start: int, stop: int) -> Document:
        """The record at `start`; the next one begins at `stop`."""


@dataclass(frozen=True)
class JsonLines:
    """Reads `field` of every line that is not blank; null is an empty document."""

    field: str = "text"

    def scan(self, file: BinaryIO) -> Iterator[int]:
        at = 0
        while line := file.readline(LARGEST_LINE + 1):
            if len(line) > LARGEST_LINE:
                raise BadRecordError(f"the line at byte {at} is longer than {LARGEST_LINE} bytes")
            if line.strip():
                yield at
            at += len(line)

    def read(self, file: BinaryIO, start: int, stop: int) -> Document:
        file.seek(start)
        text, damaged = decode(file.readline(stop - start))
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadRecordError(f"not a line of JSON: {error}") from error
        if not isinstance(row, dict) or not isinstance(row.get(self.field), str | None):
            raise BadRecordError(f"no text in the field {self.field!r}")
        if self.field not in row:
            raise BadRecordError(f"no field {self.field!r}; it has {', '.join(map(str, row))}")
        found = document(row[self.field] or "")
        return replace(found, repaired=found.repaired or damaged)


class PlainText:
    """Every file is one document, or several when it is large; together they are the file."""

    def scan(self, file: BinaryIO) -> Iterator[int]:
        at = 0
        window = file.read(DOCUMENT_BYTES + 1)
        while window:
            yield at
            end = piece_end(window, DOCUMENT_BYTES)
            at += end
            window = window[end:] + file.read(end)

    def read(self, file: BinaryIO, start: int, stop: int) -> Document:
        file.seek(start)
        return document(file.read(stop - start))


class Warc:
    """Reads response and conversion records whose content is text, gzipped one by one as crawlers
    write them. A `conversion` is text already extracted; a `response` is what the server sent.

    The parser is our own: it must seek to single records, bound what it unpacks and check digests.
    """

    def scan(self, file: BinaryIO) -> Iterator[int]:
        at = 0
        while True:
            member, length = unzip_member(file, at)
            if length == 0:
                return
            if _text_of(*parse_record(member)) is not None:
                yield at
            at += length

    def read(self, file: BinaryIO, start: int, stop: int) -> Document:  # noqa: ARG002 -- a member ends by itself
        member, _ = unzip_member(file, start)
        headers, block = parse_record(member)
        _check_digest(headers, block)
        text = _text_of(headers, block)
        if text is None:
            raise BadRecordError("not a response or conversion with text")
        return text


def unzip_member(file: BinaryIO, at: int) -> tuple[bytes, int]:
    """The gzip member at byte `at` and its length in the file; nothing and 0 at the end."""
    file.seek(at)
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content, taken = bytearray(), 0
    while not unzip.eof:
        chunk = file.read(STEP)
        if not chunk:
            if taken == 0:
                return b"", 0
            raise BadRecordError(f"the record at byte {at} is cut off")
        try:
            content += unzip.decompress(chunk, LARGEST_RECORD + 1 - len(content))
        except zlib.error as error:
            raise BadRecordError(f"the record at byte {at} cannot be unzipped: {error}") from error
        if unzip.unconsumed_tail or len(content) > LARGEST_RECORD:
            raise BadRecordError(f"the record at byte {at} is larger than {LARGEST_RECORD} bytes")
        taken += len(chunk)
    return bytes(content), taken - len(unzip.unused_data)


def parse_record(member: bytes) -> tuple[Headers, bytes]:
    """The headers, names in lower case, and the block of the one record that a member holds."""
    version, _, rest = member.partition(b"\r\n")
    if not version.startswith(b"WARC/1."):
        raise BadRecordError(f"begins with {version[:20]!r} instead of WARC/1.")
    head, separator, block = rest.partition(b"\r\n\r\n")
    headers = _headers(head)
    length = headers.get(b"content-length", b"")
    if not separator or not length.isdigit() or len(block) < int(length):
        raise BadRecordError("its block is shorter than its Content-Length, or has none")
    return headers, block[: int(length)]


def _headers(head: bytes) -> Headers:
    fields = (line.partition(b":") for line in head.split(b"\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in fields}


def _check_digest(headers: Headers, block: bytes) -> None:
    """The block's SHA-1, which writers give in base 32, holds where there is one."""
    algorithm, _, expected = headers.get(b"warc-block-digest", b"").partition(b":")
    if algorithm.lower() == b"sha1":
        digest = hashlib.sha1(block, usedforsecurity=False).digest()
        if base64.b32encode(digest) != expected.upper():
            raise BadRecordError("its block does not have the digest that its header states")


def _text_of(headers: Headers, block: bytes) -> Document | None:
    kind = headers.get(b"warc-type")
    if kind == b"conversion":
        return document(block)
    if kind != b"response":
        return None
    head, _, body = block.partition(b"\r\n\r\n")
    headers = _headers(head.partition(b"\r\n")[2])
    content_type = headers.get(b"content-type", b"")
    if not content_type.lower().startswith(b"text/"):
        return None
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = _dechunked(body)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return None
    charset = _CHARSET.search(content_type)
    return document(body, charset[1].decode("ascii") if charset else "utf-8")


def _dechunked(body: bytes) -> bytes:
    """The body without the chunk sizes; crawlers that took them out left the header in."""
    whole, rest = bytearray(), body
    while True:
        size, separator, rest = rest.partition(b"\r\n")
        try:
            count = int(size.partition(b";")[0], 16)
        except ValueError:
            return body
        if not separator or len(rest) < count:
            return body
        if count == 0:
            return bytes(whole)
        whole += rest[:count]
        rest = rest[count + 2 :]
