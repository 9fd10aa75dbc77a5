"""Fetching from every hub: bounded before its first byte, resumed, verified, never half."""

from __future__ import annotations

import hashlib
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import (
    CorruptModelError,
    FullCacheError,
    RefusedModelError,
    UnavailableHubError,
)
from iotapretrain.hub.fetch import fetch, plan
from iotapretrain.hub.fetched_model import Model
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, FileEntry, Hub, Listing, RepositoryId
from iotapretrain.net.retry import Patience
from tests.hub.worlds import ALICES, PATIENCE, World, contents, write_model

MIB = 1 << 20
WEIGHTS = "model.safetensors"


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "cache")


@pytest.fixture
def hub(world: World) -> Hub:
    return world.hub_as("alice")


@pytest.fixture
def commit(hub: Hub, model_folder: ModelFolder) -> Commit:
    return hub.publish(model_folder, ALICES, "a model")


def bring(hub: Hub, commit: Commit, cache: ModelCache, seconds: float = 60.0) -> Model:
    return fetch(hub, commit, cache, max_bytes=MIB, seconds=seconds, patience=PATIENCE)


def source_bytes(folder: ModelFolder) -> dict[str, bytes]:
    return {path: Path(str(file)).read_bytes() for path, file in folder.files.items()}


def test_a_fetched_model_is_what_was_published(
    hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    model = bring(hub, commit, cache)
    assert contents(model.folder) == source_bytes(model_folder)
    for file in model.files:
        content = (model.folder / file.path).read_bytes()
        assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_second_fetch_asks_the_hub_nothing(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    first = bring(hub, commit, cache)
    asked, sent = dict(world.faults.asked), world.faults.bytes_sent
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        assert bring(hub, commit, cache) == first
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.05
    assert (dict(world.faults.asked), world.faults.bytes_sent) == (asked, sent)


def test_a_copy_costs_no_second_download(
    world: World, hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    bring(hub, commit, cache)
    copy = world.hub_as("bob").publish(model_folder, RepositoryId("bob", "copy"), "mine")
    sent = world.faults.sent[WEIGHTS]
    model = bring(world.hub_as("bob"), copy, cache)
    assert world.faults.sent[WEIGHTS] == sent
    assert contents(model.folder) == source_bytes(model_folder)


def test_an_oversized_model_is_refused_before_its_first_byte(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    total = hub.listing(commit).total_bytes
    with pytest.raises(RefusedModelError, match=rf"{total} bytes.*more than the {total - 1}"):
        fetch(hub, commit, cache, max_bytes=total - 1)
    assert world.faults.bytes_sent == 0
    fetch(hub, commit, cache, max_bytes=total)
    with pytest.raises(RefusedModelError, match=f"more than the {total - 1}"):
        fetch(hub, commit, cache, max_bytes=total - 1)


def test_only_model_files_are_fetched(world: World, hub: Hub, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "with-more")
    (folder / "vocab.txt").write_text("a\nb\n")
    (folder / "modeling.py").write_text("import os")
    scanned = ModelFolder.scan(folder)
    assert scanned.left_out == ("modeling.py", "optimizer.pt")
    commit = hub.publish(scanned, ALICES, "more")
    model = bring(hub, commit, ModelCache(tmp_path / "cache"))
    assert set(contents(model.folder)) == {WEIGHTS, "config.json", "tokenizer.json", "vocab.txt"}


def test_a_download_that_is_cut_goes_on_where_it_stopped(
    world: World, hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    world.faults.reading(WEIGHTS).is_cut_after(35_000).times(8)
    model = bring(hub, commit, cache)
    assert contents(model.folder) == source_bytes(model_folder)
    assert world.faults.sent[WEIGHTS] == 300_000


def test_two_who_fetch_the_same_at_once_download_it_once(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    world.faults.reading(WEIGHTS).drips(0.01, piece=30_000).always()
    with ThreadPoolExecutor(3) as pool:
        fetches = [pool.submit(bring, hub, commit, ModelCache(cache.root)) for _ in range(3)]
        assert len({fetch.result() for fetch in fetches}) == 1
    assert world.faults.sent[WEIGHTS] == 300_000
    assert not any((cache.root / "partial").iterdir())


@pytest.mark.parametrize("status", [429, 500, 502])
def test_a_download_that_is_refused_for_now_is_asked_for_again(
    world: World, hub: Hub, commit: Commit, cache: ModelCache, status: int
) -> None:
    world.faults.reading(WEIGHTS).answers(status, retry_after=0).times(4)
    assert bring(hub, commit, cache).files


def test_a_download_that_never_moves_is_given_up(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    world.faults.reading(WEIGHTS).is_cut_after(0).always()
    with pytest.raises(UnavailableHubError, match=f"{WEIGHTS}.*gave up after 6 tries"):
        bring(hub, commit, cache)
    assert cache.find(commit) is None


def test_what_one_fetch_could_not_finish_the_next_does_not_download_again(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    once = Patience(tries=1, first_pause=0.0, longest_pause=0.0)
    world.faults.reading(WEIGHTS).is_cut_after(200_000).once()
    with pytest.raises(UnavailableHubError, match=r"cut off|IncompleteRead|peer closed"):
        fetch(hub, commit, cache, max_bytes=MIB, patience=once)
    assert cache.find(commit) is None
    bring(hub, commit, cache)
    assert world.faults.sent[WEIGHTS] == 300_000


def test_a_hub_that_drips_meets_the_deadline(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    world.faults.reading(WEIGHTS).drips(0.01).always()
    started = time.monotonic()
    with pytest.raises(UnavailableHubError, match="deadline"):
        bring(hub, commit, cache, seconds=0.5)
    assert time.monotonic() - started < 5
    assert cache.find(commit) is None


def test_wrong_bytes_once_are_fetched_again(
    world: World, hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    world.faults.reading(WEIGHTS).sends_wrong_bytes().once()
    world.faults.reading("config.json").sends_wrong_bytes().once()
    assert contents(bring(hub, commit, cache).folder) == source_bytes(model_folder)


@pytest.mark.parametrize("path", [WEIGHTS, "config.json"])
def test_wrong_bytes_are_never_a_model(
    world: World, hub: Hub, commit: Commit, cache: ModelCache, path: str
) -> None:
    world.faults.reading(path).sends_wrong_bytes().always()
    with pytest.raises(CorruptModelError, match=f"{commit}.*{path}.*hash"):
        bring(hub, commit, cache)
    assert cache.find(commit) is None
    assert not any((cache.root / "partial").iterdir())


def test_more_bytes_than_listed_stop_the_download(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    world.faults.reading("config.json").sends_more(b"!" * 100_000).always()
    with pytest.raises(CorruptModelError, match="more than the"):
        bring(hub, commit, cache)


def test_a_partial_file_of_other_bytes_is_noticed_and_replaced(
    hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    entry = next(e for e in hub.listing(commit).files if e.path == WEIGHTS)
    cache.partial(entry).write_bytes(b"\0" * 1000)
    assert contents(bring(hub, commit, cache).folder) == source_bytes(model_folder)
    cache.discard(cache.root / "models")
    cache.blob(entry).unlink()
    cache.partial(entry).write_bytes(b"\0" * 400_000)
    assert contents(bring(hub, commit, cache).folder) == source_bytes(model_folder)


def test_progress_counts_every_byte_up_to_the_total(
    hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    seen: list[tuple[int, int]] = []
    fetch(hub, commit, cache, max_bytes=MIB, progress=lambda *now: seen.append(now))
    total = sum(map(len, source_bytes(model_folder).values()))
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)


def test_a_model_whose_file_was_lost_is_fetched_again(
    hub: Hub, commit: Commit, cache: ModelCache, model_folder: ModelFolder
) -> None:
    model = bring(hub, commit, cache)
    (model.folder / WEIGHTS).unlink()
    assert cache.find(commit) is None
    assert contents(bring(hub, commit, cache).folder) == source_bytes(model_folder)


def test_files_in_the_cache_cannot_be_written_by_accident(
    hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    model = bring(hub, commit, cache)
    assert all(os.stat(model.folder / file.path).st_mode & 0o222 == 0 for file in model.files)


def test_a_disk_without_room_is_said_before_the_first_byte(
    world: World, hub: Hub, commit: Commit, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 100_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(FullCacheError, match="do not fit"):
        bring(hub, commit, cache)
    assert world.faults.bytes_sent == 0


A_COMMIT = Commit(ALICES, "1" * 40)
SHA = "a" * 64


def listing(*files: tuple[str, int]) -> Listing:
    return Listing(A_COMMIT, tuple(FileEntry(path, size, sha256=SHA) for path, size in files))


def test_the_limit_speaks_of_all_files_also_of_those_not_fetched() -> None:
    files = listing((WEIGHTS, 10), ("movie.mp4", 90))
    assert [entry.path for entry in plan(files, 100)] == [WEIGHTS]
    with pytest.raises(RefusedModelError, match="100 bytes in 2 files, more than the 99"):
        plan(files, 99)


def test_a_commit_without_weights_is_refused() -> None:
    with pytest.raises(RefusedModelError, match=r"no \*\.safetensors"):
        plan(listing(("config.json", 1), ("pytorch_model.bin", 5)), 100)


@pytest.mark.parametrize(
    "path",
    [
        "../model.safetensors",
        "a/../../model.safetensors",
        "/etc/model.safetensors",
        "./model.safetensors",
        "a//model.safetensors",
        "a/model.safetensors/",
        "a\\..\\model.safetensors",
        "model\0.safetensors",
        "model\n.safetensors",
        "model\u202e.safetensors",
        "\ud800.safetensors",
        "d/" * 16 + "model.safetensors",
        "m" * 300 + ".safetensors",
        "",
    ],
)
def test_hostile_paths_are_refused(path: str) -> None:
    with pytest.raises(RefusedModelError):
        listing((WEIGHTS, 1), (path, 1))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("config.json", "Config.json"),
        ("a/config.json", "A/config.json"),
        ("config.json", "config.json"),
        ("stra\u00dfe.json", "strasse.json"),
        ("\ufb01le.json", "file.json"),
        ("a.json", "a.json/b.json"),
    ],
)
def test_paths_that_hide_each_other_are_refused(first: str, second: str) -> None:
    with pytest.raises(RefusedModelError, match=r"same file|file and a folder"):
        plan(listing((WEIGHTS, 1), (first, 1), (second, 1)), 100)


def test_absurd_listings_are_refused() -> None:
    with pytest.raises(RefusedModelError, match="more than 10000 files"):
        listing(*((f"{n}.txt", 0) for n in range(10_001)))
    with pytest.raises(RefusedModelError, match="1001 files"):
        plan(listing(*((f"{n}.safetensors", 0) for n in range(1001))), 100)
    for size in (-1, 1 << 60):
        with pytest.raises(RefusedModelError, match="no size"):
            listing((WEIGHTS, size))
    for hashes in ({"sha256": "x" * 64}, {"git_blob": "1"}, {}):
        with pytest.raises(RefusedModelError):
            FileEntry(WEIGHTS, 1, **hashes)


def test_one_hash_with_two_sizes_is_refused(
    world: World, hub: Hub, commit: Commit, cache: ModelCache
) -> None:
    bring(hub, commit, cache)
    entry = next(e for e in hub.listing(commit).files if e.path == WEIGHTS)
    lying = FileEntry(WEIGHTS, entry.size - 1, sha256=entry.sha256)

    class LyingHub:
        def listing(self, commit: Commit) -> Listing:
            return Listing(commit, (lying,))

        read = hub.read

    with pytest.raises(CorruptModelError, match=WEIGHTS):
        bring(LyingHub(), Commit(ALICES, "2" * 40), cache)  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_every_path_that_passes_stays_below_its_folder(path: str) -> None:
    try:
        entry = FileEntry(path, 1, sha256=SHA)
    except RefusedModelError:
        return
    root = Path("/cache/files")
    assert root in Path(os.path.normpath(root / entry.path)).parents


def test_patience_waits_longer_each_time_and_never_past_the_deadline() -> None:
    waits: list[float] = []
    patience = Patience(
        tries=6, first_pause=1.0, longest_pause=5.0, sleep=waits.append, rng=random.Random(1)
    )

    def never() -> None:
        raise UnavailableHubError("busy")

    with pytest.raises(UnavailableHubError, match="gave up after 6 tries"):
        patience.keep_trying(never)
    for wait, ceiling in zip(waits, [1, 2, 4, 5, 5], strict=True):
        assert ceiling / 2 <= wait <= ceiling
    now = iter(range(0, 1000, 50))
    short = Patience(
        tries=6, first_pause=1.0, sleep=waits.append, clock=lambda: float(next(now)), seconds=120
    )
    with pytest.raises(UnavailableHubError, match="gave up after 3 tries"):
        short.keep_trying(never)


def test_patience_adds_what_the_hub_asks_for() -> None:
    waits: list[float] = []
    patience = Patience(tries=2, first_pause=1.0, sleep=waits.append)

    def busy() -> None:
        raise UnavailableHubError("busy", retry_after=7.0)

    with pytest.raises(UnavailableHubError):
        patience.keep_trying(busy)
    assert 7.5 <= waits[0] <= 8.0
