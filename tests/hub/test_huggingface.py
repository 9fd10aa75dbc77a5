"""What only Hugging Face does: logins, redirects, pages, and a client with habits of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import constants, get_session

from iotapretrain.errors import (
    HubError,
    HubRightsError,
    MissingModelError,
    RefusedModelError,
    UnavailableHubError,
)
from iotapretrain.hub import huggingface
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.huggingface import HuggingFaceHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit
from iotapretrain.net.retry import Patience
from tests.hub.hf_server import HfServer, Repository, Stored
from tests.hub.worlds import ALICES, PATIENCE

ALICES_TOKEN = "token-of-alice"
ONCE = Patience(tries=1)


@pytest.fixture
def hub(hf_server: HfServer) -> HuggingFaceHub:
    return HuggingFaceHub(hf_server.url, PATIENCE, ALICES_TOKEN)


@pytest.fixture
def commit(hub: HuggingFaceHub, model_folder: ModelFolder) -> Commit:
    return hub.publish(model_folder, ALICES, "first")


def test_the_login_is_the_environments(
    hf_server: HfServer, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = HuggingFaceHub(hf_server.url, PATIENCE)
    with pytest.raises(MissingModelError):
        hub.resolve(ALICES)
    monkeypatch.setenv("HF_TOKEN", ALICES_TOKEN)
    assert hub.resolve(ALICES) == commit
    assert hub.listing(commit).files


def test_the_login_never_reaches_the_host_that_large_files_come_from(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit, tmp_path: Path
) -> None:
    fetch(hub, commit, ModelCache(tmp_path / "cache"), max_bytes=1 << 20)
    assert hf_server.faults.sent["model.safetensors"] == 300_000
    assert hf_server.leaked_logins == []


def test_a_server_that_ignores_ranges_is_resumed_all_the_same(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit, tmp_path: Path
) -> None:
    hf_server.faults.reading("model.safetensors").is_cut_after(100_000).once()
    hf_server.faults.reading("model.safetensors").ignores_ranges().once()
    model = fetch(hub, commit, ModelCache(tmp_path / "cache"), max_bytes=1 << 20, patience=PATIENCE)
    assert (model.folder / "model.safetensors").stat().st_size == 300_000
    assert hf_server.faults.sent["model.safetensors"] == 100_000 + 300_000


def test_a_listing_comes_in_pages(hf_server: HfServer, hub: HuggingFaceHub, commit: Commit) -> None:
    whole = hub.listing(commit)
    hf_server.page_size = 1
    assert hub.listing(commit) == whole


def test_an_endless_listing_is_left_before_its_end(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit
) -> None:
    item = {"type": "file", "size": 1, "oid": "0" * 40}
    hf_server.listed_as_is = [{**item, "path": f"{n}.json"} for n in range(30_000)]
    with pytest.raises(RefusedModelError, match="more than 10000 files"):
        hub.listing(commit)
    assert hf_server.faults.asked["listing"] <= 12


def test_a_gigantic_page_is_left_before_its_end(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface, "LARGEST_PAGE", 1000)
    item = {"type": "file", "size": 1, "oid": "0" * 40}
    hf_server.listed_as_is = [{**item, "path": f"{n}.json"} for n in range(100)]
    with pytest.raises(RefusedModelError, match="exceeds 1000 bytes"):
        hub.listing(commit)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "file", "path": "../x.json", "size": 1, "oid": "0" * 40},
        {"type": "file", "path": "x.json", "size": -1, "oid": "0" * 40},
        {"type": "file", "path": "x.json", "size": 1, "oid": "zz"},
    ],
)
def test_hostile_listings_are_refused(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit, item: dict[str, object]
) -> None:
    hf_server.listed_as_is = [item]
    with pytest.raises(RefusedModelError):
        hub.listing(commit)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "file", "path": "x.json", "size": "1", "oid": "0" * 40},
        {"type": "file", "path": 7, "size": 1, "oid": "0" * 40},
        {"path": "x.json"},
        None,
    ],
)
def test_a_listing_that_is_no_listing_is_an_error_for_people(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit, item: object
) -> None:
    hf_server.listed_as_is = [item]  # type: ignore[list-item]
    with pytest.raises(HubError, match="no answer that a hub gives"):
        hub.listing(commit)


def test_folders_in_a_listing_are_no_files(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit
) -> None:
    hf_server.listed_as_is = [{"type": "directory", "path": "sub", "oid": "0" * 40}]
    assert hub.listing(commit).files == ()


def test_an_upload_that_fails_for_now_is_done_in_the_end(
    hf_server: HfServer, hub: HuggingFaceHub, model_folder: ModelFolder
) -> None:
    hf_server.faults.uploading().answers(503, retry_after=0).once()
    commit = hub.publish(model_folder, ALICES, "first")
    assert {entry.path for entry in hub.listing(commit).files} >= set(model_folder.files)


def test_somebody_else_who_commits_meanwhile_leaves_nothing_in_our_commit(
    hf_server: HfServer, hub: HuggingFaceHub, commit: Commit, model_folder: ModelFolder
) -> None:
    def intrude(repository: Repository) -> None:
        files = repository.commits[repository.head]
        repository.commit({**files, "theirs.json": Stored(b"{}", False)})

    hf_server.before_commit = intrude
    ours = hub.publish(model_folder.with_card("# new\n"), ALICES, "second")
    assert hub.resolve(ALICES) == ours
    listed = {entry.path for entry in hub.listing(ours).files}
    assert listed == {".gitattributes", "README.md", *model_folder.files}


def test_a_server_without_xet_says_how_to_do_without(
    xet_server: HfServer, model_folder: ModelFolder
) -> None:
    xet_server.xet = None
    hub = HuggingFaceHub(xet_server.url, ONCE, ALICES_TOKEN)
    with pytest.raises(UnavailableHubError, match="HF_HUB_DISABLE_XET=1"):
        hub.publish(model_folder, ALICES, "first")


def test_a_wrong_login_is_named(hf_server: HfServer, model_folder: ModelFolder) -> None:
    hub = HuggingFaceHub(hf_server.url, PATIENCE, "token-of-nobody")
    with pytest.raises(HubRightsError, match="hf auth login"):
        hub.publish(model_folder, ALICES, "first")


def test_offline_mode_is_named(hub: HuggingFaceHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        hub.resolve(ALICES)


def test_a_hub_that_is_not_there_is_unavailable(library_home: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        hub = HuggingFaceHub(url, PATIENCE)
        with pytest.raises(UnavailableHubError, match="gave up after 6 tries"):
            hub.resolve(ALICES)


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


def test_a_hub_that_says_nothing_is_not_waited_for_for_ever(
    library_home: Path, model_folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(huggingface, "_TIMEOUT", httpx2.Timeout(0.2))
    commit = Commit(ALICES, "0" * 40)
    get_session().timeout = httpx2.Timeout(None)
    with silent_server() as url:
        hub = HuggingFaceHub(url, ONCE)
        for ask in (
            lambda: hub.resolve(ALICES),
            lambda: hub.listing(commit),
            lambda: hub.set_visibility(ALICES, "public"),
            lambda: hub.delete(ALICES),
            lambda: hub.publish(model_folder, ALICES, "first"),
        ):
            started = time.monotonic()
            with pytest.raises(UnavailableHubError):
                ask()
            assert time.monotonic() - started < 10


def test_the_hubs_own_rate_limit_header_is_understood() -> None:
    request = httpx2.Request("GET", "http://hub")

    def asked(headers: dict[str, str]) -> float | None:
        return huggingface._wait_asked_for(httpx2.Response(429, headers=headers, request=request))

    assert asked({"Retry-After": "17"}) == 17.0
    assert asked({"ratelimit": '"api";r=0;t=55'}) == 55.0
    assert asked({"ratelimit": '"api";r=3;t=55'}) is None
    assert asked({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert asked({"Retry-After": "soon"}) is None
    assert asked({"Retry-After": "-5"}) is None
    assert asked({}) is None
