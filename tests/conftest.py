"""What the tests of every room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

# A busy machine must not fail a property; pytest's own timeout is the deadline.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def postgres() -> Iterator[object]:
    """A running PostgreSQL cluster (`tests.postgres.Cluster`), or a skip with the reason."""
    server = pytest.importorskip("tests.postgres", reason="psycopg is not installed")
    programs = server.binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    with server.running(programs) as cluster:
        yield cluster
