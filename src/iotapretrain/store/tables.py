"""The tables of a journal, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect

metadata = MetaData()


class Blob(LargeBinary):
    """Bytes as the driver gives them: converting what damage made of them could hide the damage."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # noqa: ARG002
        return None


_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # INTEGER makes it SQLite's own row id

journals = Table(
    "journal",
    metadata,
    Column("format", Integer, nullable=False),
    Column("identity", String, nullable=False),
)
"""One row: which journal this is, and by which version of the format it is written."""

records = Table(
    "records",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("payload", Blob, nullable=False),
    Column("author", Text, nullable=False),
    Column("signature", Blob, nullable=False),
    Column("link", Blob, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("name", String, primary_key=True),
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("link", Blob, nullable=False),
    Column("seal", Blob, nullable=False),
    Column("state", Blob, nullable=False),
)
"""States kept beside their records; a cache, and never the truth."""
