"""The Stack v2: parquet rows name blobs, an object store holds their content as gzipped files.

The store answers to the credentials of the environment (docs/data.md).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store, from_url

from iotapretrain.data.documents import Document, document
from iotapretrain.data.parquet import ParquetRows
from iotapretrain.data.ranges import PagePatience
from iotapretrain.errors import CorruptSourceError, UnavailableSourceError
from iotapretrain.net.retry import Deadline, PassingFault
from iotapretrain.net.threads import prefetched
from iotapretrain.rules.sampling import Page

LARGEST_BLOB = 64 << 20
"""Bytes of one file, unpacked; The Stack's own limit is far lower."""
WORKERS = 16


@dataclass(frozen=True, eq=False)
class StackSource(ParquetRows):
    """One document a row: the content of its blob. One that is missing fails the page."""

    blob: str = "blob_id"
    encoding: str = "src_encoding"
    blobs: Blobs = field(kw_only=True)

    def fetch(self, page: Page) -> list[Document]:
        ids, encodings = (
            [cell.decode("ascii", "replace") for cell in column]
            for column in self.columns(page, [self.blob, self.encoding])
        )
        deadline = self.patience.deadline()
        contents = prefetched(lambda blob: self.blobs.content(blob, deadline), ids, WORKERS)
        return [
            document(content, encoding or "utf-8")
            for content, encoding in zip(contents, encodings, strict=True)
        ]


@dataclass(frozen=True)
class Blobs:
    """Files by blob id in an object store."""

    source: str
    store: ObjectStore
    patience: PagePatience

    @classmethod
    def at(cls, source: str, url: str, region: str | None, patience: PagePatience) -> Blobs:
        """The store behind a URL such as `s3://bucket/prefix`; retries are ours, not its own."""
        if not url.startswith("s3://"):
            return cls(source, from_url(url), patience)
        store = S3Store.from_url(
            url,
            config={} if region is None else {"region": region},
            client_options={"timeout": f"{patience.attempt_seconds}s"},
            retry_config={"max_retries": 0},
        )
        return cls(source, store, patience)

    def content(self, blob_id: str, deadline: Deadline) -> bytes:

        def attempt() -> bytes:
            try:
                found = obstore.get(self.store, blob_id)
                if found.meta["size"] > LARGEST_BLOB:
                    raise self._corrupt(blob_id, f"larger than {LARGEST_BLOB} bytes")
                return bytes(found.bytes())
            except (FileNotFoundError, PermissionError) as error:
                raise UnavailableSourceError(
                    self.source, f"{_sentence(blob_id, error)}; check the store and its credentials"
                ) from error
            except BaseError as error:
                raise PassingFault(self.source, _sentence(blob_id, error)) from error

        return self._unpacked(blob_id, self.patience.keep_trying(attempt, deadline))

    def _unpacked(self, blob_id: str, packed: bytes) -> bytes:
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content = unzip.decompress(packed, LARGEST_BLOB)
        except zlib.error as error:
            raise self._corrupt(blob_id, f"cannot be unzipped: {error}") from error
        if not unzip.eof:
            raise self._corrupt(blob_id, "is cut off, or unpacks without end")
        return content

    def _corrupt(self, blob_id: str, problem: str) -> CorruptSourceError:
        return CorruptSourceError(self.source, f"blob {blob_id}: {problem}")


def _sentence(blob_id: str, error: Exception) -> str:
    """The first line; the client's errors go on with their insides."""
    return f"blob {blob_id}: {str(error).partition(chr(10))[0]}"
