"""Parquet by row group: footers give the counts, and only the row groups of a page are read.

With `row_bytes` the listing gives the counts instead (docs/data.md): row k of m then stands for the
k-th of m equal parts of the file's true rows. Either way every true row belongs to one row of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import pyarrow as pa

from iotapretrain.data.documents import Document, digest_of, document
from iotapretrain.data.locations import DatasetPlace, Listed, Pattern
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.parquet_file import ParquetReading
from iotapretrain.data.ranges import PagePatience, Stamp
from iotapretrain.data.source import Description, check_pin, description_of, spans
from iotapretrain.errors import ChangedSourceError, CorruptSourceError, InputError
from iotapretrain.net.retry import Deadline
from iotapretrain.net.threads import prefetched
from iotapretrain.rules.sampling import Page

INDEX_WORKERS = 16
"""Footers read at once when a set is indexed for the first time."""


class ParquetEntry(msgspec.Struct, frozen=True):
    """A file of the index. `footer` digests its footer; it is empty where bytes are counted."""

    config: str
    path: str
    size: int
    version: str
    rows: int
    footer: str = ""

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.size, self.version)


@dataclass(frozen=True, eq=False)
class ParquetRows:
    """The rows of a set of parquet files, by page."""

    name: str
    place: DatasetPlace
    pattern: Pattern
    cache: PageCache
    patience: PagePatience
    pinned: str | None = None
    row_bytes: int | None = None
    reading: str = ""
    """Added to the revision: it stands for how files become documents."""

    @property
    def _index_name(self) -> str:
        return f"index/1/{self.place.identity}/{self.pattern}/{self.row_bytes}"

    @cached_property
    def _index(self) -> tuple[ParquetEntry, ...]:
        """All files in the order that rows are counted in; read once, then kept on disk."""
        kept = self.cache.get(self._index_name)
        entries = () if kept is None else msgspec.json.decode(kept, type=tuple[ParquetEntry, ...])
        if self.place.commit is None or not entries:
            listed = self.place.files(self.pattern)
            if not _same_files(entries, listed):
                make = self._indexed if self.row_bytes is None else self._estimated
                entries = tuple(prefetched(make, listed, INDEX_WORKERS))
                self.cache.put(self._index_name, msgspec.json.encode(entries))
        return entries

    def describe(self) -> Description:
        return self._description

    @cached_property
    def _description(self) -> Description:
        """Counts by config, at the commit; without one under a digest of all footers, which is the
        same wherever the same files lie. A pin is checked.
        """
        if self.place.commit is not None:
            revision = f"{self.place.commit}{self.reading}"
        else:
            parts = [f"{entry.path}/{entry.size}/{entry.footer}" for entry in self._index]
            revision = f"files-{digest_of(*parts)[:32]}{self.reading}"
            check_pin(self.name, self.place.identity, self.pinned, revision)
        return description_of(self.name, revision, self._index)

    def columns(self, page: Page, names: Sequence[str]) -> Iterator[list[bytes]]:
        """Text columns of a page's rows; the only bytes read are those of their row groups."""
        deadline = self.patience.deadline()
        try:
            tables = [
                self._table(entry, first, stop, names, deadline)
                for entry, first, stop in spans(self._description, self._index, page)
            ]
        except ChangedSourceError:
            self.cache.forget(self._index_name)
            raise
        table = pa.concat_tables(tables)
        return (_text_column(self.name, table, name) for name in names)

    def _opened(self, path: str, deadline: Deadline) -> ParquetReading:
        return ParquetReading(self.name, path, self.place.open(path), deadline)

    def _table(
        self, entry: ParquetEntry, first: int, stop: int, columns: Sequence[str], deadline: Deadline
    ) -> Any:
        """Rows `first` to `stop` of a file as the index counts them."""
        file = self._opened(entry.path, deadline)
        metadata = file.parsed(self._footer(file, entry))
        if self.row_bytes is not None:
            true = metadata.num_rows
            first, stop = first * true // entry.rows, stop * true // entry.rows
        return file.rows(first, stop, columns, metadata, entry.stamp)

    def _footer(self, file: ParquetReading, entry: ParquetEntry) -> bytes:
        """The file's footer, from the cache or from the file if that is still the indexed one."""
        name = self._footer_name(entry.path, entry.stamp)
        kept = self.cache.get(name)
        if kept is not None:
            return kept
        footer, now = file.footer()
        if now != entry.stamp or (entry.footer and digest_of(footer) != entry.footer):
            raise ChangedSourceError(
                self.name, f"{entry.path}: no longer the file that was indexed"
            )
        self.cache.put(name, footer)
        return footer

    def _indexed(self, listed: Listed) -> ParquetEntry:
        file, path = self._opened(listed.path, self.patience.deadline()), listed.path
        footer, stamp = file.footer()
        self.cache.put(self._footer_name(path, stamp), footer)
        rows, digest = file.parsed(footer).num_rows, digest_of(footer)
        return ParquetEntry(listed.config, path, stamp.size, stamp.version, rows, digest)

    def _estimated(self, listed: Listed) -> ParquetEntry:
        if listed.stamp is None or self.row_bytes is None or self.place.commit is None:
            raise InputError(f"{self.name}: row_bytes needs a listing with sizes at a commit")
        size, version = listed.stamp.size, listed.stamp.version
        rows = max(1, size // self.row_bytes)
        return ParquetEntry(listed.config, listed.path, size, version, rows)

    def _footer_name(self, path: str, stamp: Stamp) -> str:
        return f"footer/{self.place.identity}/{path}/{stamp.size}/{stamp.version}"


def _same_files(entries: Sequence[ParquetEntry], listed: Sequence[Listed]) -> bool:
    """Whether an index still is that of the listing; one without stamps is compared by paths."""
    stamps = {file.path: file.stamp for file in listed}
    return stamps.keys() == {entry.path for entry in entries} and all(
        stamps[entry.path] in (None, entry.stamp) for entry in entries
    )


@dataclass(frozen=True, eq=False)
class ParquetSource(ParquetRows):
    """One document a row of a text column; with `join_rows`, one document a page."""

    text: str = "text"
    join_rows: bool = False

    def fetch(self, page: Page) -> list[Document]:
        (texts,) = self.columns(page, [self.text])
        return [document(text) for text in ([b"".join(texts)] if self.join_rows else texts)]


def _text_column(source: str, table: Any, column: str) -> list[bytes]:
    """As bytes, so that what is not UTF-8 is ours to treat; nulls are empty."""
    try:
        values = table.column(column).cast(pa.large_binary()).to_pylist()
    except pa.ArrowException as error:
        kind = table.schema.field(column).type
        raise CorruptSourceError(source, f"column {column!r} is {kind}, not text") from error
    return [value or b"" for value in values]
