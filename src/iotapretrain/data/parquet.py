"""Parquet by row group: footers give the counts, and only the row groups of a page are read.

Rows are counted in one of two ways. By default the footer of every file is read once and kept.
A set of tens of thousands of files would take gigabytes of footers before its first page; such a
set is counted by bytes: a file stands for `size // row_bytes` rows, which the listing alone tells,
and row k of m stands for the k-th of m equal parts of the file's true rows. Either way every true
row belongs to exactly one row of the count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import msgspec
import pyarrow as pa

from iotapretrain.data.cache import Cache
from iotapretrain.data.digest import digest_of
from iotapretrain.data.documents import Document, document
from iotapretrain.data.footer import RowGroups, parse_footer, read_footer
from iotapretrain.data.places import Listed, Pattern, Place
from iotapretrain.data.prefetch import prefetched
from iotapretrain.data.ranges import Stamp
from iotapretrain.data.retry import Patience
from iotapretrain.data.source import Config, Description, check_page
from iotapretrain.errors import ChangedSourceError, CorruptSourceError, InputError
from iotapretrain.rules.sampling import Page

INDEX_WORKERS = 16
"""Footers read at once when a set is indexed for the first time."""


class Entry(msgspec.Struct, frozen=True):
    """A file of the index. `footer` digests its footer; it is empty where bytes are counted."""

    config: str
    path: str
    size: int
    version: str
    rows: int
    footer: str = ""


@dataclass(frozen=True)
class Span:
    """Rows `first` to `stop` of a file, as the index counts them."""

    entry: Entry
    first: int
    stop: int


class ParquetRows:
    """The rows of a set of parquet files, by page."""

    def __init__(
        self,
        name: str,
        place: Place,
        pattern: Pattern,
        cache: Cache,
        patience: Patience,
        revision: str | None = None,
        row_bytes: int | None = None,
    ) -> None:
        self.name = name
        self._place, self._pattern, self._row_bytes = place, pattern, row_bytes
        self._cache, self._patience, self._revision = cache, patience, revision
        self._index_name = f"index/{place.identity}/{pattern}/{row_bytes}"

    @cached_property
    def _index(self) -> tuple[Entry, ...]:
        """All files in the order that rows are counted in; read once, then kept on disk."""
        kept = self._cache.get(self._index_name)
        entries = () if kept is None else msgspec.json.decode(kept, type=tuple[Entry, ...])
        if self._place.commit is None or not entries:
            listed = self._place.files(self._pattern)
            if not _same_files(entries, listed):
                make = self._indexed if self._row_bytes is None else self._estimated
                entries = tuple(prefetched(make, listed, INDEX_WORKERS))
                self._cache.put(self._index_name, msgspec.json.encode(entries))
        return tuple(sorted(entries, key=lambda entry: (entry.config, entry.path)))

    @cached_property
    def description(self) -> Description:
        """Counts by config, under the commit or a digest of all footers, which is checked if
        pinned.
        """
        revision = self._place.commit or self._digest()
        if self._revision is not None and revision != self._revision:
            self._cache.forget(self._index_name)
            raise ChangedSourceError(
                self.name,
                f"revision {self._revision} is pinned and {self._place.identity} has {revision};"
                " restore the pinned files or pin the new revision",
            )
        counts: dict[str, int] = {}
        for entry in self._index:
            counts[entry.config] = counts.get(entry.config, 0) + entry.rows
        configs = tuple(Config(config, rows) for config, rows in counts.items())
        return Description(self.name, revision, configs)

    def rows(self, page: Page, columns: Sequence[str]) -> Any:
        """A table with the rows of a page; the only bytes read are those of their row groups."""
        check_page(self.description, page)
        deadline = self._patience.deadline()
        tables = []
        for span in self._spans(page):
            file = self._place.open(span.entry.path)
            stamp = Stamp(span.entry.size, span.entry.version)
            footer_name = self._footer_name(span.entry.path, stamp)
            footer = self._cache.get(footer_name)
            try:
                if footer is None:
                    footer, now = read_footer(self.name, file, deadline)
                    self._check_footer(span.entry, footer, stamp, now)
                    self._cache.put(footer_name, footer)
                metadata = parse_footer(self.name, span.entry.path, footer)
                first, stop = self._true_rows(span, metadata.num_rows)
                groups = RowGroups(self.name, span.entry.path, file, stamp, metadata)
                if first < stop:
                    tables.append(groups.rows(first, stop, columns, deadline))
            except ChangedSourceError:
                self._cache.forget(self._index_name)
                raise
        if not tables:
            raise CorruptSourceError(self.name, f"{page}: no rows; row_bytes is far too small")
        return pa.concat_tables(tables)

    def _spans(self, page: Page) -> Iterator[Span]:
        """The files that a page touches: usually one."""
        entries = self._by_config[page.config]
        ends = list(accumulate(entry.rows for entry in entries))
        at, stop = page.start, page.start + page.rows
        while at < stop:
            which = bisect_right(ends, at)
            begin = ends[which] - entries[which].rows
            until = min(stop, ends[which])
            yield Span(entries[which], at - begin, until - begin)
            at = until

    @cached_property
    def _by_config(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self._index:
            found.setdefault(entry.config, []).append(entry)
        return found

    def _true_rows(self, span: Span, true: int) -> tuple[int, int]:
        if self._row_bytes is None:
            return span.first, span.stop
        counted = span.entry.rows
        return span.first * true // counted, span.stop * true // counted

    def _indexed(self, listed: Listed) -> Entry:
        footer, stamp = read_footer(
            self.name, self._place.open(listed.path), self._patience.deadline()
        )
        self._cache.put(self._footer_name(listed.path, stamp), footer)
        rows = parse_footer(self.name, listed.path, footer).num_rows
        return Entry(listed.config, listed.path, stamp.size, stamp.version, rows, digest_of(footer))

    def _estimated(self, listed: Listed) -> Entry:
        if listed.stamp is None or self._row_bytes is None or self._place.commit is None:
            raise InputError(f"{self.name}: row_bytes needs a listing with sizes at a commit")
        size, version = listed.stamp.size, listed.stamp.version
        rows = max(1, size // self._row_bytes)
        return Entry(listed.config, listed.path, size, version, rows)

    def _check_footer(self, entry: Entry, footer: bytes, indexed: Stamp, now: Stamp) -> None:
        if now != indexed or (entry.footer and digest_of(footer) != entry.footer):
            raise ChangedSourceError(
                self.name, f"{entry.path}: no longer the file that was indexed"
            )

    def _footer_name(self, path: str, stamp: Stamp) -> str:
        return f"footer/{self._place.identity}/{path}/{stamp.size}/{stamp.version}"

    def _digest(self) -> str:
        """A revision for files without a commit: the same wherever the same files lie."""
        parts = [f"{entry.path}/{entry.size}/{entry.footer}" for entry in self._index]
        return f"files-{digest_of(*parts)[:32]}"


def _same_files(entries: Sequence[Entry], listed: Sequence[Listed]) -> bool:
    """Whether an index still is that of the listing; one without stamps is compared by paths."""
    stamps = {file.path: file.stamp for file in listed}
    return stamps.keys() == {entry.path for entry in entries} and all(
        stamps[entry.path] in (None, Stamp(entry.size, entry.version)) for entry in entries
    )


class ParquetSource:
    """One document a row of a text column; with `join_rows`, one document a page."""

    def __init__(self, rows: ParquetRows, text: str, join_rows: bool = False) -> None:
        self.name = rows.name
        self._rows, self._text, self._join_rows = rows, text, join_rows

    def describe(self) -> Description:
        """See `Source`."""
        return self._rows.description

    def fetch(self, page: Page) -> list[Document]:
        """See `Source`."""
        texts = byte_column(self.name, self._rows.rows(page, [self._text]), self._text)
        if self._join_rows:
            return [document(b"".join(texts))]
        return [document(text) for text in texts]


def byte_column(source: str, table: Any, column: str) -> list[bytes]:
    """A text column as bytes, so that what is not UTF-8 is ours to treat; nulls are empty."""
    try:
        values = table.column(column).cast(pa.large_binary()).to_pylist()
    except pa.ArrowException as error:
        kind = table.schema.field(column).type
        raise CorruptSourceError(source, f"column {column!r} is {kind}, not text") from error
    return [value or b"" for value in values]
