"""The journal in PostgreSQL: the same tables, writers queued by the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import sqlalchemy as sql
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError

from iotapretrain.errors import StoreError
from iotapretrain.store.journal import BUSY, PATIENCE_SECONDS, Journal

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 2 * PATIENCE_SECONDS
"""A statement may wait for its turn and must then have time to do its work."""

_SESSION = (
    "SET synchronous_commit = on;"
    f"SET lock_timeout = '{PATIENCE_SECONDS}s';"
    f"SET statement_timeout = '{STATEMENT_SECONDS}s';"
    f"SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'"
)
_TURN = sql.text(
    "SELECT pg_advisory_xact_lock("
    "hashtextextended('iotapretrain journal in ' || current_schema(), 0))"
)
_LOCK_NOT_AVAILABLE = "55P03"


@final
class PostgresJournal(Journal):
    """A journal in a database or schema of its own, shared by any number of machines."""

    def __init__(self, address: str, identity: str | None) -> None:
        try:
            url = make_url(address)
            engine = sql.create_engine(
                url.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_timeout=PATIENCE_SECONDS,
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )
        except ArgumentError as error:
            raise StoreError("postgresql://USER:PASSWORD@HOST:PORT/DATABASE is expected") from error
        except ModuleNotFoundError as error:
            raise StoreError(
                "PostgreSQL needs its driver: pip install 'iotapretrain[postgres]'"
            ) from error
        sql.event.listen(engine, "connect", _start_session)
        super().__init__(url.render_as_string(hide_password=True), engine, identity)

    @contextmanager
    def _turn(self) -> Iterator[sql.Connection]:
        with self._engine.begin() as connection:
            connection.execute(_TURN)
            yield connection

    def _settle(self) -> None:
        with self._engine.connect() as connection:
            read_only = connection.execute(sql.text("SHOW transaction_read_only")).scalar_one()
        self.writable = read_only == "off"

    def _reason(self, error: DBAPIError) -> str:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            return BUSY
        return str(error.orig).strip().partition("\n")[0]


def _start_session(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(_SESSION)
    cursor.close()
    connection.commit()
