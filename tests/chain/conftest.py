"""What every test of the chain stands on: nobody's home directory, and a chain to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from iotapretrain.chain.rpc.server import serving
from tests.chain.fake_node import FakeNode

SDK_FILES = ("BTCLI_CONFIG", "BTCLI_TOKEN_SYMBOLS_CACHE", "BTCLI_SUBNET_NAMES_CACHE")


@pytest.fixture(autouse=True)
def sdk_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: the SDK keeps metadata, symbols and settings in one."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(home / "runtime-cache"))
    for name in SDK_FILES:
        monkeypatch.setenv(name, str(home / name.lower()))
    return home


@pytest.fixture
def node() -> FakeNode:
    """A chain in memory."""
    return FakeNode()


@pytest.fixture
async def url(node: FakeNode) -> AsyncIterator[str]:
    """The same chain, served."""
    async with serving(node, node.codec) as service:
        yield service.url
