"""Folders of record files (JSON lines, plain text, WARC): one pass finds the records, reads seek.

The revision digests every file's path and content: copies of a folder agree wherever they lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from iotapretrain.data.documents import Document, digest_of
from iotapretrain.data.locations import Pattern
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.record_files import BadRecordError, RecordReader
from iotapretrain.data.source import Description, check_pin, description_of, spans
from iotapretrain.errors import ChangedSourceError, CorruptSourceError, UnavailableSourceError
from iotapretrain.rules.sampling import Page

DIGEST_BYTES = 32


@dataclass(frozen=True, eq=False)
class Indexed:
    """A file, its content's digest and where its records begin."""

    config: str
    path: Path
    size: int
    changed: int
    digest: bytes
    starts: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        return len(self.starts)

    def bounds(self, row: int) -> tuple[int, int]:
        """Where a record begins and where the next one, or the file's end, is."""
        last = row + 1 == len(self.starts)
        return int(self.starts[row]), self.size if last else int(self.starts[row + 1])


@dataclass(frozen=True, eq=False)
class FolderSource:
    """The records of all matching files, in the order of paths."""

    name: str
    folder: Path
    pattern: Pattern
    reader: RecordReader
    cache: PageCache
    pinned: str | None = None
    reading: str = ""
    """Added to the revision: it stands for how files become documents."""

    def describe(self) -> Description:
        return self._description

    def fetch(self, page: Page) -> list[Document]:
        return [
            document
            for file, first, stop in spans(self._description, self._files, page)
            for document in self._read(file, first, stop)
        ]

    @cached_property
    def _files(self) -> list[Indexed]:
        try:
            below = (path for path in self.folder.rglob("*") if path.is_file())
            names = [path.relative_to(self.folder).as_posix() for path in below]
            return [
                self._indexed(listed.config, self.folder / listed.path)
                for listed in self.pattern.chosen(dict.fromkeys(names))
            ]
        except OSError as error:
            raise UnavailableSourceError(self.name, f"{self.folder}: {error}") from error

    @cached_property
    def _description(self) -> Description:
        if not self._files:
            raise UnavailableSourceError(
                self.name, f"{self.folder}: no file there matches {self.pattern.text!r}"
            )
        parts: list[bytes | str] = []
        for file in self._files:
            parts += [file.path.relative_to(self.folder).as_posix(), file.digest]
        revision = f"files-{digest_of(*parts)[:32]}{self.reading}"
        check_pin(self.name, str(self.folder), self.pinned, revision)
        return description_of(self.name, revision, self._files)

    def _indexed(self, config: str, path: Path) -> Indexed:
        """The file's records, from the cache while its size and time of change stay the same."""
        status = path.stat()
        kind = type(self.reader).__name__
        name = f"records/1/{kind}/{path.resolve()}/{status.st_size}/{status.st_mtime_ns}"
        kept = self.cache.get(name)
        if kept is None:
            with path.open("rb") as file:
                try:
                    starts = np.fromiter(self.reader.scan(file), dtype="<i8")
                except BadRecordError as error:
                    raise CorruptSourceError(self.name, f"{path}: {error}") from error
            kept = blake3().update_mmap(path).digest() + starts.tobytes()
            self.cache.put(name, kept)
        digest = kept[:DIGEST_BYTES]
        starts = np.frombuffer(kept, dtype="<i8", offset=DIGEST_BYTES)
        return Indexed(config, path, status.st_size, status.st_mtime_ns, digest, starts)

    def _read(self, file: Indexed, first: int, stop: int) -> Iterator[Document]:
        try:
            with file.path.open("rb") as handle:
                for row in range(first, stop):
                    yield self.reader.read(handle, *file.bounds(row))
            status = file.path.stat()
        except BadRecordError as error:
            raise CorruptSourceError(self.name, f"{file.path}: row {row}: {error}") from error
        except OSError as error:
            raise UnavailableSourceError(self.name, f"{file.path}: {error}") from error
        if (status.st_size, status.st_mtime_ns) != (file.size, file.changed):
            raise ChangedSourceError(
                self.name, f"{file.path}: no longer the file that was indexed; describe it anew"
            )
