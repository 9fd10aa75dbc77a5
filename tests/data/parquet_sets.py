"""Small parquet files for tests: texts that do not compress, so that bytes can be counted."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq


def row_text(file: int, row: int) -> str:
    """The text of one row: says where it stands, and is long enough to make row groups real."""
    noise = random.Random(1000 * file + row).randbytes(300).hex()
    return f"file {file} row {row} {noise}"


def parquet_file(file: int, rows: int = 100, group: int = 20) -> bytes:
    """`rows` rows with an id, a text and a column that nobody asks for."""
    table = pa.table(
        {
            "id": [f"{file}-{row}" for row in range(rows)],
            "text": [row_text(file, row) for row in range(rows)],
            "unused": [random.Random(row).randbytes(2000) for row in range(rows)],
        }
    )
    return encoded(table, group)


def encoded(table: pa.Table, group: int = 20) -> bytes:
    """A table as parquet with page checksums."""
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=group, write_page_checksum=True)
    return out.getvalue()


def group_bytes(content: bytes, groups: list[int], column: str = "text") -> int:
    """Stored bytes of a column in some row groups."""
    metadata = pq.read_metadata(io.BytesIO(content))
    index = metadata.schema.to_arrow_schema().names.index(column)
    return sum(metadata.row_group(g).column(index).total_compressed_size for g in groups)
