"""From the address of a journal to the journal: a path, `sqlite:///PATH` or `postgresql://…`."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.errors import StoreError
from iotapretrain.store.journal import Journal
from iotapretrain.store.postgres import PostgresJournal
from iotapretrain.store.sqlite import SqliteJournal


def open_journal(where: str | Path, identity: str | None = None) -> Journal:
    """Open the journal at a path, `sqlite:///PATH` or `postgresql://…`.

    With an identity the journal is created where there is none, and refused where its identity is
    another; without one it must exist.
    """
    address = str(where)
    if address.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        return PostgresJournal(address, identity)
    if "://" in address and not address.startswith("sqlite:///"):
        raise StoreError(f"{address}: a journal is a path, sqlite:///PATH or postgresql://…")
    return SqliteJournal(Path(address.removeprefix("sqlite:///")), identity)
