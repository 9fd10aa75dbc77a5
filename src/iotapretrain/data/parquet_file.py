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


@dataclass(frozen=True)
class ParquetReading:
    """One parquet file of a source, read until a deadline; `path` is its path in the listing."""

    source: str
    path: str
    file: RangeFile
    deadline: Deadline

    def footer(self) -> tuple[bytes, Stamp]:
        """The footer with its trailer, and the stamp of the file it belongs to."""
        tail, stamp = self.file.tail(TAIL, self.deadline)
        if len(tail) < TRAILER + len(MAGIC) or tail[-4:] != MAGIC:
            raise self._corrupt(f"not a parquet file: no {MAGIC!r} at its end")
        length = int.from_bytes(tail[-TRAILER:-4], "little") + TRAILER
        if length > min(stamp.size, LARGEST_FOOTER):
            raise self._corrupt(f"claims a footer of {length} bytes")
        if length > len(tail):
            start, stop = stamp.size - length, stamp.size - len(tail)
            tail = self.file.read(start, stop, stamp, self.deadline) + tail
        return tail[-length:], stamp

    def parsed(self, footer: bytes) -> Any:
        """pyarrow's `FileMetaData`."""
        try:
            return pq.read_metadata(io.BytesIO(footer))
        except (pa.ArrowException, OSError) as error:
            raise self._corrupt(f"its footer cannot be read: {error}") from error

    def rows(
        self, first: int, stop: int, columns: Sequence[str], metadata: Any, stamp: Stamp
    ) -> Any:
        """A table of rows `first` to `stop`; reads the row groups and columns that hold them."""
        there = metadata.schema.to_arrow_schema().names
        for column in columns:
            if column not in there:
                raise self._corrupt(f"no column {column!r}; it has {', '.join(there)}")
        window = pa.PythonFile(_Window(self.file, stamp, self.deadline), mode="r")
        counts = (metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
        try:
            reader = pq.ParquetFile(
                window, metadata=metadata, pre_buffer=True, page_checksum_verification=True
            )
            tables = []
            for group, (start, end) in enumerate(pairwise(accumulate(counts, initial=0))):
                low, high = max(first, start), min(stop, end)
                if low < high:
                    self._check_size(metadata.row_group(group), group, columns)
                    table = reader.read_row_group(group, columns=list(columns), use_threads=False)
                    tables.append(table.slice(low - start, high - low))
            if sum(table.num_rows for table in tables) != stop - first:
                raise self._corrupt("has fewer rows than it says")
            return pa.concat_tables(tables) if tables else reader.schema_arrow.empty_table()
        except (pa.ArrowException, OSError) as error:
            raise self._corrupt(f"rows {first} to {stop} cannot be decoded: {error}") from error

    def _check_size(self, row_group: Any, number: int, columns: Sequence[str]) -> None:
        for chunk in map(row_group.column, range(row_group.num_columns)):
            if chunk.path_in_schema.split(".")[0] in columns:
                largest = max(chunk.total_compressed_size, chunk.total_uncompressed_size)
                if largest > LARGEST_CHUNK:
                    raise self._corrupt(f"row group {number} has a column of {largest} bytes")

    def _corrupt(self, problem: str) -> CorruptSourceError:
        return CorruptSourceError(self.source, f"{self.path}: {problem}")


class _Window(io.RawIOBase):
    """What pyarrow reads from: it asks for ranges, and each becomes one checked read."""

    def __init__(self, file: RangeFile, stamp: Stamp, deadline: Deadline) -> None:
        self._file, self._stamp, self._deadline = file, stamp, deadline
        self._at = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stamp.size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        start, whole = self._at, self._stamp.size
        self._at = max(start, whole if size < 0 else min(start + size, whole))
        if self._at == start:
            return b""
        return self._file.read(start, self._at, self._stamp, self._deadline)
