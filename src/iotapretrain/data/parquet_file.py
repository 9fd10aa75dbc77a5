"""A parquet file's footer, read by range and kept, and single row groups read with its help."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iotapretrain.data.ranges import RangeFile, Stamp
from iotapretrain.errors import CorruptSourceError
from iotapretrain.net.retry import Deadline

MAGIC = b"PAR1"
TRAILER = 8
"""Footer length (4 bytes, little-endian) and magic."""
TAIL = 32 << 10
"""Read first of a file: most footers fit, so that one request is enough."""
LARGEST_FOOTER = 256 << 20
LARGEST_CHUNK = 2 << 30
"""Bytes of one column in one row group, stored or unpacked; a larger one is refused unread."""


def read_footer(source: str, path: str, file: RangeFile, deadline: Deadline) -> tuple[bytes, Stamp]:
    """The footer with its trailer, and the stamp of the file it belongs to."""
    tail, stamp = file.tail(TAIL, deadline)
    if len(tail) < TRAILER + len(MAGIC) or tail[-4:] != MAGIC:
        raise CorruptSourceError(source, f"{path}: not a parquet file: no {MAGIC!r} at its end")
    length = int.from_bytes(tail[-TRAILER:-4], "little") + TRAILER
    if length > min(stamp.size, LARGEST_FOOTER):
        raise CorruptSourceError(source, f"{path}: claims a footer of {length} bytes")
    if length > len(tail):
        tail = file.read(stamp.size - length, stamp.size - len(tail), stamp, deadline) + tail
    return tail[-length:], stamp


def parse_footer(source: str, path: str, footer: bytes) -> Any:
    """pyarrow's `FileMetaData`."""
    try:
        return pq.read_metadata(io.BytesIO(footer))
    except (pa.ArrowException, OSError) as error:
        raise CorruptSourceError(source, f"{path}: its footer cannot be read: {error}") from error


@dataclass(frozen=True)
class RowGroups:
    """Rows of one parquet file by number; reads the row groups and columns that hold them."""

    source: str
    path: str
    file: RangeFile
    stamp: Stamp
    metadata: Any

    def rows(self, first: int, stop: int, columns: Sequence[str], deadline: Deadline) -> Any:
        """A table of rows `first` to `stop`."""
        self._check(columns)
        window = pa.PythonFile(_Window(self.file, self.stamp, deadline), mode="r")
        counts = (self.metadata.row_group(g).num_rows for g in range(self.metadata.num_row_groups))
        try:
            reader = pq.ParquetFile(
                window, metadata=self.metadata, pre_buffer=True, page_checksum_verification=True
            )
            tables = []
            for group, (start, end) in enumerate(pairwise(accumulate(counts, initial=0))):
                low, high = max(first, start), min(stop, end)
                if low < high:
                    self._check_size(group, columns)
                    table = reader.read_row_group(group, columns=list(columns), use_threads=False)
                    tables.append(table.slice(low - start, high - low))
            if sum(table.num_rows for table in tables) != stop - first:
                raise CorruptSourceError(self.source, f"{self.path}: has fewer rows than it says")
            return pa.concat_tables(tables) if tables else reader.schema_arrow.empty_table()
        except (pa.ArrowException, OSError) as error:
            raise CorruptSourceError(
                self.source, f"{self.path}: rows {first} to {stop} cannot be decoded: {error}"
            ) from error

    def _check(self, columns: Sequence[str]) -> None:
        there = self.metadata.schema.to_arrow_schema().names
        for column in columns:
            if column not in there:
                raise CorruptSourceError(
                    self.source, f"{self.path}: no column {column!r}; it has {', '.join(there)}"
                )

    def _check_size(self, group: int, columns: Sequence[str]) -> None:
        row_group = self.metadata.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            if chunk.path_in_schema.split(".")[0] not in columns:
                continue
            largest = max(chunk.total_compressed_size, chunk.total_uncompressed_size)
            if largest > LARGEST_CHUNK:
                raise CorruptSourceError(
                    self.source, f"{self.path}: row group {group} has a column of {largest} bytes"
                )


class _Window(io.RawIOBase):
    """What pyarrow reads from: it asks for ranges, and each becomes one checked read."""

    def __init__(self, file: RangeFile, stamp: Stamp, deadline: Deadline) -> None:
        self._file, self._stamp, self._deadline = file, stamp, deadline
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        return self._stamp.size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stamp.size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._stamp.size if size < 0 else min(self._at + size, self._stamp.size)
        if stop <= self._at:
            return b""
        content = self._file.read(self._at, stop, self._stamp, self._deadline)
        self._at = stop
        return content
