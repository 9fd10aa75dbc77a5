"""The hubs that the suites of this room run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants
from huggingface_hub.utils import disable_progress_bars

from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.huggingface import HuggingFaceHub
from iotapretrain.hub.model_files import ModelFolder
from tests.hub.faults import Faults
from tests.hub.hf_server import HfServer, serving
from tests.hub.worlds import PATIENCE, FaultyHub, World, write_model

CLIENTS_OWN_WARNING = "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
"""huggingface_hub 2.4 uploads LFS files in a way that its own HTTP client advises against."""

LOGINS = {"token-of-alice": "alice", "token-of-bob": "bob"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(CLIENTS_OWN_WARNING))


@pytest.fixture
def library_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own login, cache or endpoint."""
    home = tmp_path / "hf-home"
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_XET_CACHE", str(home / "xet"))
    disable_progress_bars()
    return home


@pytest.fixture
def hf_server(library_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HfServer]:
    """A Hugging Face server of our own; uploads go through LFS."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with serving(HfServer(Faults(), LOGINS)) as server:
        yield server
    close_session()


@pytest.fixture
def xet_server(hf_server: HfServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HfServer:
    """The same; uploads go through Xet, as the client does unasked."""
    pytest.importorskip("hf_xet", reason="huggingface_hub has no Xet on this platform")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hf_server.xet = tmp_path / "xet"
    hf_server.xet.mkdir()
    return hf_server


def hf_world(server: HfServer, kind: str) -> World:
    tokens = {owner: token for token, owner in server.logins.items()}

    def hub_as(owner: str | None) -> HuggingFaceHub:
        return HuggingFaceHub(server.url, PATIENCE, tokens.get(owner or ""))

    environment = {"HF_TOKEN": tokens["alice"], "HF_HUB_DISABLE_XET": "1"}
    return World(kind, f"hf:{server.url}", hub_as, server.faults, environment)


@pytest.fixture(params=["folder", "huggingface, lfs", "huggingface, xet"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Each hub in turn."""
    if request.param == "folder":
        faults, root = Faults(), tmp_path / "hub"
        return World(
            request.param,
            f"folder:{root}",
            lambda owner: FaultyHub(FolderHub(root, owner), faults),
            faults,
        )
    xet = request.param.endswith("xet")
    server: HfServer = request.getfixturevalue("xet_server" if xet else "hf_server")
    return hf_world(server, request.param)


@pytest.fixture
def model_folder(tmp_path: Path) -> ModelFolder:
    """A small model, ready to be published."""
    return ModelFolder.scan(write_model(tmp_path / "model"))
