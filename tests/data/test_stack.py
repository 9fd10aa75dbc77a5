from __future__ import annotations

import gzip
from pathlib import Path

import obstore
import pyarrow as pa
import pytest
from obstore.store import LocalStore, MemoryStore

from iotapretrain.data.locations import Pattern, SystemPlace
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.ranges import PagePatience
from iotapretrain.data.stack import Blobs, StackSource
from iotapretrain.errors import CorruptSourceError, UnavailableSourceError
from iotapretrain.rules.sampling import Page
from tests.data.conftest import Watch
from tests.data.parquet_sets import encoded


def stack_source(
    folder: Path,
    blobs: Blobs,
    cache: PageCache,
    patience: PagePatience,
    rows: list[tuple[str, str]],
) -> StackSource:
    (folder / "Python").mkdir(parents=True)
    table = pa.table(
        {"blob_id": [row[0] for row in rows], "src_encoding": [row[1] for row in rows]}
    )
    (folder / "Python" / "0.parquet").write_bytes(encoded(table))
    place = SystemPlace("stack", str(folder), patience)
    return StackSource("stack", place, Pattern("{config}/*.parquet"), cache, patience, blobs=blobs)


def test_rows_become_the_content_of_their_blobs(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    store = LocalStore(tmp_path / "content", mkdir=True)
    contents = {"aa": ("print('é')", "UTF-8"), "bb": ("x = 'é'", "ISO-8859-1")}
    for blob_id, (text, encoding) in contents.items():
        obstore.put(store, blob_id, gzip.compress(text.encode(encoding)))
    blobs = Blobs.at("stack", (tmp_path / "content").as_uri(), None, patience)
    rows = [(blob_id, encoding) for blob_id, (_, encoding) in contents.items()]
    source = stack_source(tmp_path / "set", blobs, cache, patience, rows)
    found = source.fetch(Page("Python", 0, 2))
    assert [document.text for document in found] == ["print('é')", "x = 'é'"]


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        (b"not gzipped", "cannot be unzipped"),
        (gzip.compress(b"text" * 100, mtime=0)[:-12], "is cut off"),
        (gzip.compress(b"0" * 5000, mtime=0), "unpacks without end"),
    ],
)
def test_broken_blobs_fail_the_page(
    tmp_path: Path,
    cache: PageCache,
    patience: PagePatience,
    monkeypatch: pytest.MonkeyPatch,
    stored: bytes,
    sentence: str,
) -> None:
    monkeypatch.setattr("iotapretrain.data.stack.LARGEST_BLOB", 1000)
    store = MemoryStore()
    obstore.put(store, "aa", stored)
    blobs = Blobs("stack", store, patience)
    source = stack_source(tmp_path / "set", blobs, cache, patience, [("aa", "UTF-8")])
    with pytest.raises(CorruptSourceError, match=f"blob aa: .*{sentence}"):
        source.fetch(Page("Python", 0, 1))


def test_a_missing_blob_fails_the_page_without_asking_again(
    tmp_path: Path, cache: PageCache, patience: PagePatience, watch: Watch
) -> None:
    blobs = Blobs("stack", MemoryStore(), patience)
    source = stack_source(tmp_path / "set", blobs, cache, patience, [("aa", "UTF-8")])
    with pytest.raises(UnavailableSourceError, match=r"blob aa: .*check the store"):
        source.fetch(Page("Python", 0, 1))
    assert watch.pauses == []


def test_a_large_blob_is_refused_before_it_is_read(
    tmp_path: Path, cache: PageCache, patience: PagePatience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iotapretrain.data.stack.LARGEST_BLOB", 10)
    store = MemoryStore()
    obstore.put(store, "aa", b"x" * 11)
    blobs = Blobs("stack", store, patience)
    source = stack_source(tmp_path / "set", blobs, cache, patience, [("aa", "UTF-8")])
    with pytest.raises(CorruptSourceError, match="larger than 10 bytes"):
        source.fetch(Page("Python", 0, 1))
