"""A home of the test's own, hubs of every kind, and a miner's place on a small chain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from iotapretrain.hub.folder_hub import FolderHub
from tests.chain.conftest import sdk_home
from tests.competition.publishing.places import Place, opened, write_run
from tests.hub.conftest import CLIENTS_OWN_WARNING
from tests.hub.worlds import World

__all__ = ["sdk_home"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(CLIENTS_OWN_WARNING))


@pytest.fixture
async def place(world: World, tmp_path: Path) -> AsyncIterator[Place]:
    """alice's hub of every kind, and the chain on which her hotkey is miner-1."""
    async with opened(tmp_path / "net", world.hub_as) as found:
        yield found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Place]:
    """For what does not depend on the hub: a hub in a folder."""
    async with opened(tmp_path / "net", lambda who: FolderHub(tmp_path / "hub", who)) as found:
        yield found
