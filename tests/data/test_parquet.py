from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iotapretrain.data.locations import DatasetPlace, HubPlace, Pattern, SystemPlace, WebPlace
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.parquet import ParquetSource
from iotapretrain.data.parquet_file import LARGEST_CHUNK
from iotapretrain.data.ranges import PagePatience
from iotapretrain.errors import (
    ChangedSourceError,
    CorruptSourceError,
    InputError,
    SourceError,
    UnavailableSourceError,
)
from iotapretrain.rules.sampling import Page
from tests.data.parquet_sets import encoded, group_bytes, parquet_file, row_text
from tests.data.web import Fault, Web

FILES = {f"data/{config}/{i}.parquet": 10 * n + i for n, config in enumerate("ab") for i in (0, 1)}


@pytest.fixture
def stocked(web: Web) -> Web:
    """Two configs of two files of 100 rows in groups of 20."""
    for path, number in FILES.items():
        web.files[f"set/{path}"] = parquet_file(number)
    return web


def source_at(
    place: DatasetPlace,
    cache: PageCache,
    patience: PagePatience,
    pattern: str = "data/{config}/*.parquet",
    **more: object,
) -> ParquetSource:
    return ParquetSource("set", place, Pattern(pattern), cache, patience, **more)  # type: ignore[arg-type]  # any option


def web_place(web: Web, patience: PagePatience, paths: Sequence[str] = tuple(FILES)) -> WebPlace:
    return WebPlace("set", f"{web.url}/set", paths, patience)


def folder_with(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def texts(source: ParquetSource, page: Page) -> list[str]:
    return [document.text for document in source.fetch(page)]


def test_footers_give_the_counts(stocked: Web, cache: PageCache, patience: PagePatience) -> None:
    description = source_at(web_place(stocked, patience), cache, patience).describe()
    assert [(each.name, each.rows) for each in description.configs] == [("a", 200), ("b", 200)]


def test_a_page_reads_its_row_group_and_column_alone(
    stocked: Web, cache: PageCache, patience: PagePatience
) -> None:
    source = source_at(web_place(stocked, patience), cache, patience)
    source.describe()
    stocked.forget()
    assert texts(source, Page("b", 40, 20)) == [row_text(10, row) for row in range(40, 60)]
    needed = group_bytes(stocked.files["set/data/b/0.parquet"], [2])
    assert needed <= stocked.sent <= 1.2 * needed
    assert {path for path, _ in stocked.requests} == {"/set/data/b/0.parquet"}


def test_a_page_across_groups_and_files(
    stocked: Web, cache: PageCache, patience: PagePatience
) -> None:
    source = source_at(web_place(stocked, patience), cache, patience)
    source.describe()
    stocked.forget()
    expected = [row_text(0, row) for row in range(75, 100)] + [row_text(1, row) for row in range(5)]
    assert texts(source, Page("a", 75, 30)) == expected
    needed = group_bytes(stocked.files["set/data/a/0.parquet"], [3, 4]) + group_bytes(
        stocked.files["set/data/a/1.parquet"], [0]
    )
    assert needed <= stocked.sent <= 1.2 * needed


def test_a_second_process_asks_for_nothing_but_the_page(
    stocked: Web, cache: PageCache, patience: PagePatience
) -> None:
    before = source_at(web_place(stocked, patience), cache, patience).describe()
    stocked.forget()
    again = source_at(web_place(stocked, patience), PageCache(cache.folder), patience)
    assert again.describe() == before
    assert stocked.requests == []
    texts(again, Page("a", 0, 20))
    assert len(stocked.requests) == 1


def test_a_long_footer_takes_two_requests(
    web: Web, cache: PageCache, patience: PagePatience
) -> None:
    web.files["set/long.parquet"] = content = parquet_file(0, rows=2000, group=2)
    metadata_bytes = int.from_bytes(content[-8:-4], "little")
    assert metadata_bytes > 64 << 10
    source = source_at(web_place(web, patience, ["long.parquet"]), cache, patience, "*.parquet")
    assert source.describe().rows == 2000
    assert len(web.requests) == 2
    assert web.sent == metadata_bytes + 8


def test_the_same_files_have_the_same_revision_wherever_they_lie(
    stocked: Web, tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    folder = folder_with(tmp_path / "set", {path: stocked.files[f"set/{path}"] for path in FILES})
    here = source_at(SystemPlace("set", str(folder), patience), cache, patience)
    there = source_at(web_place(stocked, patience), cache, patience)
    assert here.describe() == there.describe()
    page = Page("a", 90, 20)
    assert texts(here, page) == texts(there, page)


def test_a_changed_file_fails_the_page_and_then_shows_as_another_revision(
    stocked: Web, cache: PageCache, patience: PagePatience
) -> None:
    source = source_at(web_place(stocked, patience), cache, patience)
    before = source.describe()
    stocked.files["set/data/a/0.parquet"] = parquet_file(77)
    with pytest.raises(ChangedSourceError, match="no longer the file"):
        source.fetch(Page("a", 0, 20))
    after = source_at(web_place(stocked, patience), cache, patience).describe()
    assert after.revision != before.revision


def test_a_pinned_revision_is_held(stocked: Web, cache: PageCache, patience: PagePatience) -> None:
    revision = source_at(web_place(stocked, patience), cache, patience).describe().revision
    place = web_place(stocked, patience)
    assert source_at(place, cache, patience, pinned=revision).describe().revision == revision
    stocked.files["set/data/a/0.parquet"] = parquet_file(77)
    fresh = PageCache(cache.folder.parent / "fresh")
    with pytest.raises(ChangedSourceError, match="is pinned"):
        source_at(place, fresh, patience, pinned=revision).describe()


def test_files_added_to_a_folder_are_seen(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    folder = folder_with(tmp_path / "set", {"0.parquet": parquet_file(0)})

    def rows() -> int:
        place = SystemPlace("set", str(folder), patience)
        return source_at(place, cache, patience, "*.parquet").describe().rows

    assert rows() == 100
    folder_with(folder, {"1.parquet": parquet_file(1)})
    assert rows() == 200


FOREVER: dict[str, tuple[Fault, type[SourceError]]] = {
    "slow": (Fault(drip=0.05), UnavailableSourceError),
    "cut": (Fault(cut=0.5), UnavailableSourceError),
    "429": (Fault(status=429), UnavailableSourceError),
    "500": (Fault(status=500), UnavailableSourceError),
    "404": (Fault(status=404), UnavailableSourceError),
    "etag": (Fault(etag='"other"'), ChangedSourceError),
    "wrong bytes": (Fault(flip=True), CorruptSourceError),
}


@pytest.mark.parametrize(("fault", "outcome"), FOREVER.values(), ids=FOREVER)
def test_each_fault_has_its_outcome(
    stocked: Web, cache: PageCache, patience: PagePatience, fault: Fault, outcome: type[SourceError]
) -> None:
    source = source_at(web_place(stocked, patience), cache, patience)
    source.describe()
    stocked.always = fault
    with pytest.raises(outcome):
        source.fetch(Page("a", 0, 20))
    stocked.always = None
    fresh = source_at(web_place(stocked, patience), cache, patience)
    assert texts(fresh, Page("a", 0, 20)) == [row_text(0, row) for row in range(20)]


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"not parquet at all" * 9, b"x" * 99 + b"\xff\xff\xff\x7fPAR1"]
)
def test_files_that_are_not_parquet_are_corrupt(
    tmp_path: Path, cache: PageCache, patience: PagePatience, content: bytes
) -> None:
    folder = folder_with(tmp_path / "set", {"0.parquet": content})
    source = source_at(SystemPlace("set", str(folder), patience), cache, patience, "*.parquet")
    with pytest.raises(CorruptSourceError, match=r"0\.parquet"):
        source.describe()


def test_bytes_damaged_on_disk_are_noticed(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    content = bytearray(parquet_file(0))
    metadata = pq.read_metadata(io.BytesIO(bytes(content)))
    content[metadata.row_group(0).column(1).dictionary_page_offset + 500] ^= 1
    folder = folder_with(tmp_path / "set", {"0.parquet": bytes(content)})
    source = source_at(SystemPlace("set", str(folder), patience), cache, patience, "*.parquet")
    with pytest.raises(CorruptSourceError, match="cannot be decoded"):
        source.fetch(Page("all", 0, 20))


def table_source(
    tmp_path: Path, table: pa.Table, cache: PageCache, patience: PagePatience, column: str = "text"
) -> ParquetSource:
    folder = folder_with(tmp_path / "set", {"0.parquet": encoded(table)})
    place = SystemPlace("set", str(folder), patience)
    return ParquetSource("set", place, Pattern("*.parquet"), cache, patience, text=column)


def test_odd_documents_in_a_column(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    raw = [b"fine", b"", None, b"\xff\xfe not utf-8", b"x" * 200_000, b"<|endoftext|>"]
    column = pa.array(raw, pa.binary())
    found = table_source(tmp_path, pa.table({"text": column}), cache, patience).fetch(
        Page("all", 0, 6)
    )
    assert [document.text[:6] for document in found] == [
        "fine",
        "",
        "",
        "\ufffd\ufffd not",
        "xxxxxx",
        "<|endo",
    ]
    assert [document.repaired for document in found] == [False, False, False, True, False, False]
    assert [document.cut for document in found] == [False, False, False, False, True, False]


def test_a_string_column_with_invalid_utf8_is_repaired(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    binary = pa.array([b"good", b"\xc3("], pa.binary())
    invalid = pa.Array.from_buffers(pa.string(), 2, binary.buffers())
    found = table_source(tmp_path, pa.table({"text": invalid}), cache, patience).fetch(
        Page("all", 0, 2)
    )
    assert [document.text for document in found] == ["good", "\ufffd("]


def test_a_missing_or_other_column_is_named(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    table = pa.table({"content": ["a"], "number": [1]})
    with pytest.raises(CorruptSourceError, match="no column 'text'; it has content, number"):
        table_source(tmp_path, table, cache, patience).fetch(Page("all", 0, 1))
    with pytest.raises(CorruptSourceError, match="'number' is int64, not text"):
        table_source(tmp_path, table, cache, patience, "number").fetch(Page("all", 0, 1))


def test_rows_can_be_joined_to_one_document(
    stocked: Web, cache: PageCache, patience: PagePatience
) -> None:
    place, pattern = web_place(stocked, patience), Pattern("data/{config}/*.parquet")
    source = ParquetSource("set", place, pattern, cache, patience, join_rows=True)
    (document,) = source.fetch(Page("a", 3, 2))
    assert document.text == row_text(0, 3) + row_text(0, 4)


def test_a_giant_column_chunk_is_refused_unread(
    stocked: Web, cache: PageCache, patience: PagePatience, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_at(web_place(stocked, patience), cache, patience)
    source.describe()
    stocked.forget()
    monkeypatch.setattr("iotapretrain.data.parquet_file.LARGEST_CHUNK", 1000)
    with pytest.raises(CorruptSourceError, match="has a column of"):
        source.fetch(Page("a", 0, 20))
    assert stocked.sent == 0
    assert LARGEST_CHUNK == 2 << 30


def test_an_empty_set_says_so(tmp_path: Path, cache: PageCache, patience: PagePatience) -> None:
    (tmp_path / "set").mkdir()
    source = source_at(
        SystemPlace("set", str(tmp_path / "set"), patience), cache, patience, "*.parquet"
    )
    with pytest.raises(CorruptSourceError, match="no rows at all"):
        source.describe()


def test_counting_by_bytes_reads_one_footer_a_page_and_covers_every_row_once(
    hub: Web, cache: PageCache, patience: PagePatience
) -> None:
    commit = "c0ffee" * 6 + "1234"
    files = {f"data/{i}.parquet": parquet_file(i, rows=70 + 7 * i) for i in range(3)}
    for path, content in files.items():
        hub.files[f"datasets/team/set/resolve/{commit}/{path}"] = content
    place = HubPlace("set", "team/set", commit, patience)
    source = source_at(place, cache, patience, "data/*.parquet", row_bytes=4000)
    description = source.describe()
    assert description.revision == commit
    assert description.rows == sum(len(content) // 4000 for content in files.values())
    assert hub.sent == 0
    seen = texts(source, Page("all", 0, 5))
    assert len({path for path, _ in hub.requests if "resolve" in path}) == 1
    for start in range(5, description.rows, 5):
        seen += texts(source, Page("all", start, min(5, description.rows - start)))
    assert seen == [row_text(i, row) for i in range(3) for row in range(70 + 7 * i)]


def test_counting_by_bytes_needs_a_commit(
    tmp_path: Path, cache: PageCache, patience: PagePatience
) -> None:
    folder = folder_with(tmp_path / "set", {"0.parquet": parquet_file(0)})
    place = SystemPlace("set", str(folder), patience)
    with pytest.raises(InputError, match="row_bytes needs"):
        source_at(place, cache, patience, "*.parquet", row_bytes=100).describe()


@pytest.mark.parametrize(
    "page", [Page("a", 190, 20), Page("c", 0, 1), Page("a", -1, 5), Page("a", 0, 0)]
)
def test_pages_that_are_not_there_are_refused(
    stocked: Web, cache: PageCache, patience: PagePatience, page: Page
) -> None:
    with pytest.raises(InputError, match="set"):
        source_at(web_place(stocked, patience), cache, patience).fetch(page)
