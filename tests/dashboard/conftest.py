"""One network and one dashboard for all tests that only look."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.dashboard.running import chromium, dashboard, has_chromium, wait_for
from tests.dashboard.world import World, write_benchmark

TURNS = 6


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A network with a chain, rounds, weights, audits and a benchmark."""
    place = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as elsewhere:
        patch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(place / "runtime"))
        return elsewhere.submit(_made, place / "net").result()


def _made(folder: Path) -> World:
    """In a thread of its own: the browser's own loop runs in the main one."""
    made = World(folder)
    for _ in range(TURNS):
        made.turn()
    made.audited(held=True)
    made.audited(held=False)
    write_benchmark(made.folder)
    return made


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    """A dashboard that has read it all."""
    with dashboard(world.folder) as found:
        wait_for(found, "/api/overview", "rounds", TURNS * len(world.synthetic.watchers))
        wait_for(found, "/api/chain", "epoch", 1)
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip with the reason."""
    if not has_chromium():
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with chromium() as found:
        yield found
