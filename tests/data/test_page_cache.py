from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.data.page_cache import PageCache
from iotapretrain.errors import InputError


def object_path(cache: PageCache, digest: str) -> Path:
    return cache.folder / "objects" / digest[:2] / digest


def test_gives_back_what_was_put_under_name_and_digest(cache: PageCache) -> None:
    digest = cache.put("a page", b"text")
    assert digest == blake3(b"text").hexdigest()
    assert cache.get("a page") == b"text" == cache.read(digest)
    assert cache.get("another page") is None
    assert PageCache(cache.folder).get("a page") == b"text"


def test_one_content_under_two_names_is_kept_once(cache: PageCache) -> None:
    cache.put("one", b"x" * 1000)
    cache.put("two", b"x" * 1000)
    assert cache.size() == 1000
    cache.forget("one")
    assert cache.get("one") is None
    assert cache.get("two") == b"x" * 1000


def test_damaged_objects_are_not_given_out(cache: PageCache) -> None:
    digest = cache.put("page", b"text")
    object_path(cache, digest).write_bytes(b"tezt")
    assert cache.get("page") is None
    cache.put("page", b"text")
    assert cache.get("page") == b"text"


def test_a_half_written_name_or_object_is_a_miss(cache: PageCache) -> None:
    digest = cache.put("page", b"text")
    for name in (cache.folder / "names").rglob("*"):
        if name.is_file():
            name.write_bytes(b"0123")
    assert cache.get("page") is None
    object_path(cache, digest).write_bytes(b"te")
    assert cache.read(digest) is None


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, limit=1000)
    digests = [cache.put(str(i), bytes([i]) * 300) for i in range(3)]
    for age, digest in enumerate(digests):
        os.utime(object_path(cache, digest), (age, age))
    assert cache.get("0") is not None  # used again: now the youngest
    cache.put("3", b"z" * 300)
    assert [cache.get(str(i)) is not None for i in range(4)] == [True, False, True, True]


def test_names_of_evicted_objects_do_not_pile_up(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, limit=1000)
    for i in range(100):
        cache.put(str(i), os.urandom(100))
    names = [path for path in (tmp_path / "names").rglob("*") if path.is_file()]
    assert len(names) <= 11


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, limit=1000)
    digest = cache.put("a", b"a" * 600)
    left = object_path(cache, digest).parent / ".new-left"
    left.write_bytes(b"half")
    cache.put("b", b"b" * 600)
    assert not left.exists()
    assert cache.size() <= 1000


def test_a_lost_or_wrong_count_heals(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, limit=1000)
    cache.put("a", b"a" * 400)
    (tmp_path / "size").write_text("nonsense")
    cache.put("b", b"b" * 400)
    assert (tmp_path / "size").read_text() == "800"
    (tmp_path / "size").write_text("999999")
    cache.put("c", b"c" * 100)
    assert cache.size() == 900


def test_what_is_larger_than_the_bound_is_not_kept(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, limit=10)
    cache.put("large", b"x" * 11)
    assert cache.get("large") is None
    assert PageCache(tmp_path, limit=0).put("any", b"y") == blake3(b"y").hexdigest()
    with pytest.raises(InputError, match="limit -1"):
        PageCache(tmp_path, limit=-1)


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write.*IOTA_CACHE"):
        PageCache(tmp_path / "file").put("name", b"content")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=60)), max_size=40))
def test_the_bound_holds_after_every_put(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[int, bytes]]
) -> None:
    cache = PageCache(tmp_path_factory.mktemp("cache"), limit=100)
    for number, content in puts:
        cache.put(str(number), content)
        assert cache.size() <= 100
        assert cache.get(str(number)) == content


def fill(folder: Path, worker: int, limit: int) -> None:
    cache = PageCache(folder, limit)
    for i in range(60):
        content = bytes([worker, i]) * 500
        cache.put(f"{worker}/{i}", content)
        assert cache.get(f"{worker}/{i}") in (content, None)  # another may have evicted it


def test_the_bound_holds_under_parallel_processes(tmp_path: Path) -> None:
    limit = 20_000
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=fill, args=(tmp_path, i, limit)) for i in range(3)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        assert PageCache(tmp_path, limit).size() <= limit
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    cache = PageCache(tmp_path, limit)
    assert limit // 2 < cache.size() <= limit
    for digest in (path.name for path in (tmp_path / "objects").rglob("*") if path.is_file()):
        assert cache.read(digest) is not None
