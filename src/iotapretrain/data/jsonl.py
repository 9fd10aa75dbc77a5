"""JSON lines: an object a line, the text in one of its fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from iotapretrain.data.documents import Document, document
from iotapretrain.data.text_folder import BadRecordError

LARGEST_LINE = 64 << 20


@dataclass(frozen=True)
class JsonLines:
    """Reads `field` of every line that is not blank; null is an empty document."""

    field: str = "text"

    def scan(self, file: BinaryIO) -> Iterator[int]:
        """See `Reader`."""
        at = 0
        while line := file.readline(LARGEST_LINE + 1):
            if len(line) > LARGEST_LINE:
                raise BadRecordError(f"the line at byte {at} is longer than {LARGEST_LINE} bytes")
            if line.strip():
                yield at
            at += len(line)

    def read(self, file: BinaryIO, start: int, stop: int) -> Document:
        """See `Reader`."""
        file.seek(start)
        line = file.readline(stop - start)
        try:
            text, damaged = line.decode(), False
        except UnicodeDecodeError:
            text, damaged = line.decode(errors="replace"), True
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
