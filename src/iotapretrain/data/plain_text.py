"""Plain text files, cut into documents at blank lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from iotapretrain.data.documents import Document, document, piece_end

DOCUMENT_BYTES = 64 << 10
"""A larger file becomes several documents, each cut where a blank line is, else a line's end."""


class PlainText:
    """Every file is one document, or several when it is large; together they are the file."""

    def scan(self, file: BinaryIO) -> Iterator[int]:
        """See `Reader`."""
        at = 0
        window = file.read(DOCUMENT_BYTES + 1)
        while window:
            yield at
            end = piece_end(window, DOCUMENT_BYTES)
            at += end
            window = window[end:] + file.read(end)

    def read(self, file: BinaryIO, start: int, stop: int) -> Document:
        """See `Reader`."""
        file.seek(start)
        return document(file.read(stop - start))
