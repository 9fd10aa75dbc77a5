"""Fixtures that every room shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[object]:
    """A running PostgreSQL cluster (`tests.postgres.Cluster`), or a skip with the reason."""
    server = pytest.importorskip("tests.postgres", reason="psycopg is not installed")
    programs = server.binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    with server.running(programs) as cluster:
        yield cluster
