"""One suite, two journals: `address` names an empty place in each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iotapretrain.store.journal import Journal, open_journal

IDENTITY = "test journal"


@pytest.fixture(params=["sqlite", "postgres"])
def new_address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Names a fresh place for a journal at every call."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").schema
    return lambda: str(tmp_path_factory.mktemp("journal") / "journal.db")


@pytest.fixture
def address(new_address: Callable[[], str]) -> str:
    return new_address()


@pytest.fixture
def journal(address: str) -> Iterator[Journal]:
    with open_journal(address, IDENTITY) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite journal may be made."""
    return tmp_path / "journal.db"
