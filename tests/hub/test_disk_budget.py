"""The budget: what goes first, what never goes, and what is said when nothing can."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import FullCacheError, InputError, MissingModelError
from iotapretrain.hub.disk_budget import Inventory
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, FileEntry, RepositoryId
from iotapretrain.net.retry import Deadline
from tests.hub.worlds import write_model

SIZE = 10_000
SOON = Deadline.after(60.0)


class Clock:
    """A second passes whenever somebody looks."""

    def __init__(self) -> None:
        self.now = time.time() + 10

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(tmp_path: Path) -> FolderHub:
    return FolderHub(tmp_path / "hub", "alice")


def publish(hub: FolderHub, folder: Path, seed: int, name: str = "") -> Commit:
    source = write_model(folder / str(seed), seed, SIZE)
    (source / "config.json").unlink()
    (source / "tokenizer.json").unlink()
    repository = RepositoryId("alice", name or f"model-{seed}")
    return hub.publish(ModelFolder.scan(source), repository, "a model")


def cached(cache: ModelCache, *commits: Commit) -> list[bool]:
    return [cache.find(commit) is not None for commit in commits]


def bring(hub: FolderHub, commit: Commit, cache: ModelCache) -> None:
    fetch(hub, commit, cache, max_bytes=1 << 20)


def test_the_longest_unused_goes_first(hub: FolderHub, tmp_path: Path, clock: Clock) -> None:
    cache = ModelCache(tmp_path / "cache", budget=3 * SIZE, grace=0.0, clock=clock)
    one, two, three, four = (publish(hub, tmp_path, seed) for seed in range(4))
    for commit in (one, two, three, one, four):
        bring(hub, commit, cache)
    assert cached(cache, one, two, three, four) == [True, False, True, True]
    assert cache.used() == 3 * SIZE


def test_what_was_used_within_the_grace_stays(hub: FolderHub, tmp_path: Path, clock: Clock) -> None:
    cache = ModelCache(tmp_path / "cache", budget=SIZE, grace=600.0, clock=clock)
    one, two = publish(hub, tmp_path, 1), publish(hub, tmp_path, 2)
    bring(hub, one, cache)
    with pytest.raises(FullCacheError, match=r"10000 bytes do not fit, 10000 too many.*600 s"):
        bring(hub, two, cache)
    assert cached(cache, one, two) == [True, False]
    clock.now += 700
    bring(hub, two, cache)
    assert cached(cache, one, two) == [False, True]


def test_what_is_held_stays(hub: FolderHub, tmp_path: Path, clock: Clock) -> None:
    cache = ModelCache(tmp_path / "cache", budget=SIZE, grace=0.0, clock=clock)
    one, two = publish(hub, tmp_path, 1), publish(hub, tmp_path, 2)
    bring(hub, one, cache)
    with ModelCache(cache.root).hold(one) as model:
        with pytest.raises(FullCacheError):
            bring(hub, two, cache)
        assert cache.clean(budget=0) == ([], 0)
        assert (model.folder / "model.safetensors").stat().st_size == SIZE
    bring(hub, two, cache)
    with pytest.raises(MissingModelError, match="fetch it first"), cache.hold(one):
        pass


def test_a_model_larger_than_the_budget_never_empties_the_cache(
    hub: FolderHub, tmp_path: Path, clock: Clock
) -> None:
    one, large = publish(hub, tmp_path, 1), publish(hub, tmp_path, 2)
    cache = ModelCache(tmp_path / "cache", budget=SIZE, grace=0.0, clock=clock)
    bring(hub, one, cache)
    small = ModelCache(cache.root, budget=SIZE - 1, grace=0.0, clock=clock)
    with pytest.raises(FullCacheError):
        bring(hub, large, small)
    assert cached(cache, one) == [True]


def test_a_shared_content_goes_with_the_last_that_uses_it(
    hub: FolderHub, tmp_path: Path, clock: Clock
) -> None:
    cache = ModelCache(tmp_path / "cache", grace=0.0, clock=clock)
    one, copy = publish(hub, tmp_path, 1), publish(hub, tmp_path, 1, name="copy")
    for commit in (one, copy):
        bring(hub, commit, cache)
    assert cache.used() == SIZE
    with cache.hold(copy) as model:
        assert cache.clean(budget=0) == ([], 0)
        assert (model.folder / "model.safetensors").exists()
    removed, freed = cache.clean(budget=0)
    assert (sorted(removed), freed) == (sorted(map(str, (one, copy))), SIZE)
    assert cache.used() == 0


def test_what_a_model_left_behind_shares_stays_counted(
    hub: FolderHub, tmp_path: Path, clock: Clock
) -> None:
    cache = ModelCache(tmp_path / "cache", grace=0.0, clock=clock)
    one = publish(hub, tmp_path, 1)
    both = ModelFolder.scan(write_model(tmp_path / "both", seed=1, size=SIZE))
    two = hub.publish(both, RepositoryId("alice", "both"), "the same weights and more")
    for commit in (two, one):
        bring(hub, commit, cache)
    removed, freed = cache.clean(budget=SIZE)
    assert removed == [str(two)]
    assert 0 < freed < SIZE
    assert cache.used() == SIZE


def test_a_content_that_another_fetch_counts_on_outlives_its_model(
    hub: FolderHub, tmp_path: Path, clock: Clock
) -> None:
    cache = ModelCache(tmp_path / "cache", budget=SIZE, grace=0.0, clock=clock)
    one, other = publish(hub, tmp_path, 1), publish(hub, tmp_path, 2)
    bring(hub, one, cache)
    (entry,) = hub.listing(one).files
    with cache.reserve({entry.content_key: SIZE}, SOON):
        with pytest.raises(FullCacheError):
            bring(hub, other, cache)
        assert cache.blob(entry).exists()


def test_leftovers_of_dead_fetches_count_and_go(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache", budget=SIZE, grace=600.0)
    old, young = cache.root / "partial" / ("a" * 64), cache.root / "partial" / ("b" * 64)
    orphan = cache.root / "blobs" / ("c" * 64)
    for path, size in ((old, 4000), (young, 3000), (orphan, 2000)):
        path.write_bytes(b"\0" * size)
    for path in (old, orphan):
        os.utime(path, (1, 1))
    (cache.root / "reserved" / "dead").write_text('{"d": 999999}')
    (cache.root / "tmp" / "half").mkdir()
    assert cache.used() == 9000
    removed, freed = cache.clean(budget=0)
    assert (sorted(removed), freed) == ([old.name, orphan.name], 6000)
    assert cache.used() == 3000
    assert not list((cache.root / "reserved").iterdir())
    assert not list((cache.root / "tmp").iterdir())


def test_a_promise_protects_what_it_names_and_counts_until_it_ends(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache", budget=100, grace=0.0)
    with cache.reserve({"a" * 64: 60}, SOON):
        (cache.root / "blobs" / ("a" * 64)).write_bytes(b"\0" * 60)
        with (
            pytest.raises(FullCacheError, match="too many"),
            cache.reserve({"b" * 64: 60}, SOON),
        ):
            pass
        with cache.reserve({"a" * 64: 60, "c" * 64: 40}, SOON):
            assert cache.clean(budget=0) == ([], 0)
    with cache.reserve({"b" * 64: 60}, SOON):
        assert cache.used() == 0
        with pytest.raises(FullCacheError), cache.reserve({"d" * 64: 41}, SOON):
            pass
        with cache.reserve({"d" * 64: 40}, SOON):
            pass


def test_a_damaged_model_is_swept(hub: FolderHub, tmp_path: Path, clock: Clock) -> None:
    cache = ModelCache(tmp_path / "cache", grace=0.0, clock=clock)
    one = publish(hub, tmp_path, 1)
    bring(hub, one, cache)
    place = cache.root / "models" / "alice" / "model-1" / one.id
    (place / "model.json").write_text("{")
    cache.clean(budget=0)
    assert not place.exists()
    assert cache.used() == 0


def test_a_cache_where_nothing_can_be_written_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="name another folder"):
        ModelCache(tmp_path / "file" / "cache")


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)),
    st.integers(0, 40),
)
def test_a_promise_fits_exactly_when_it_fits(
    blobs: dict[str, int], wanted: dict[str, int], budget: int
) -> None:
    wanted = {**wanted, **{key: size for key, size in blobs.items() if key in wanted}}
    inventory = Inventory(blobs, {}, {}, ())
    total = sum({**blobs, **wanted}.values())
    assert inventory.short_of(wanted, budget, free=1000) <= 0 or total > budget
    missing = sum(size for key, size in wanted.items() if key not in blobs)
    assert (inventory.short_of(wanted, None, free=5) <= 0) == (missing <= 5)


def test_a_partial_download_needs_only_the_rest_of_the_disk() -> None:
    inventory = Inventory({}, {"a": 70}, {}, ())
    assert inventory.short_of({"a": 100}, None, free=30) == 0
    assert inventory.short_of({"a": 100}, 99, free=1000) == 1


def test_small_files_are_shared_by_their_git_id(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache")
    content = b"{}"
    blob = hashlib.sha1(b"blob 2\0" + content).hexdigest()
    entry = FileEntry("config.json", 2, git_blob=blob)
    cache.blob(entry).write_bytes(content)
    model = cache.install(Commit(RepositoryId("a", "b"), "0" * 40), [entry], 2)
    assert model.files[0].sha256 == hashlib.sha256(content).hexdigest()
