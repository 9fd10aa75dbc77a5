"""JSON lines, plain text and WARC folders: what each reads, and what each refuses."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.data.documents import Document
from iotapretrain.data.locations import Pattern
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.record_files import DOCUMENT_BYTES, JsonLines, PlainText, Warc
from iotapretrain.data.text_folder import FolderSource, RecordReader
from iotapretrain.errors import ChangedSourceError, CorruptSourceError, UnavailableSourceError
from iotapretrain.rules.sampling import Page


def folder_source(
    folder: Path, reader: RecordReader, cache: PageCache, pattern: str = "*"
) -> FolderSource:
    return FolderSource("folder", folder, Pattern(pattern), reader, cache)


def everything(source: FolderSource, config: str = "all") -> list[Document]:
    rows = {each.name: each.rows for each in source.describe().configs}[config]
    return source.fetch(Page(config, 0, rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def test_json_lines_by_field_across_files(folder: Path, cache: PageCache) -> None:
    (folder / "b.jsonl").write_text('{"text": "three"}\n{"text": "four"}')
    (folder / "a.jsonl").write_text('{"text": "one"}\n\n  \n{"text": "two", "id": 2}\n')
    source = folder_source(folder, JsonLines(), cache, "*.jsonl")
    assert source.describe().rows == 4
    assert [document.text for document in source.fetch(Page("all", 1, 2))] == ["two", "three"]
    assert [document.text for document in everything(source)] == ["one", "two", "three", "four"]


def test_odd_json_lines(folder: Path, cache: PageCache) -> None:
    lines = [
        b'{"text": ""}',
        b'{"text": null}',
        b'{"text": "caf\xe9"}',
        b'{"text": "\\ud800 lone"}',
        json.dumps({"text": "x" * 300_000}).encode(),
        b'{"text": "<|endoftext|>"}',
    ]
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))
    found = everything(folder_source(folder, JsonLines(), cache))
    assert [document.text[:7] for document in found] == [
        *("", "", "caf\ufffd", "\ufffd lone", "xxxxxxx", "<|endof"),
    ]
    assert [document.repaired for document in found] == [False, False, True, True, False, False]
    assert [document.cut for document in found] == [False] * 4 + [True, False]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{text: 1}", "row 1: not a line of JSON"),
        ('["text"]', "row 1: no text in the field 'text'"),
        ('{"text": 7}', "row 1: no text in the field 'text'"),
        ('{"content": "x"}', "row 1: no field 'text'; it has content"),
        ("[" * 100_000, "row 1: not a line of JSON"),
    ],
)
def test_bad_json_lines_are_named(folder: Path, cache: PageCache, line: str, sentence: str) -> None:
    (folder / "a.jsonl").write_text('{"text": "fine"}\n' + line)
    source = folder_source(folder, JsonLines(), cache)
    assert source.fetch(Page("all", 0, 1))[0].text == "fine"
    with pytest.raises(CorruptSourceError, match=sentence):
        everything(source)


def test_a_line_without_end_is_refused(
    folder: Path, cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iotapretrain.data.record_files.LARGEST_LINE", 100)
    (folder / "a.jsonl").write_text('{"text": "' + "x" * 200 + '"}')
    with pytest.raises(CorruptSourceError, match="longer than 100 bytes"):
        folder_source(folder, JsonLines(), cache).describe()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=50), min_size=1, max_size=20))
def test_json_lines_give_back_any_text(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("set")
    (folder / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    source = folder_source(folder, JsonLines(), PageCache(folder / "cache"), "*.jsonl")
    assert [document.text for document in everything(source)] == texts


def test_a_small_text_file_is_one_document_and_a_large_one_several(
    folder: Path, cache: PageCache
) -> None:
    large = "".join(f"A paragraph, number {i}.\n\n" for i in range(10_000))
    (folder / "a.txt").write_text("small\n")
    (folder / "b.txt").write_text(large)
    (folder / "c.txt").write_text("")
    found = everything(folder_source(folder, PlainText(), cache, "*.txt"))
    assert found[0].text == "small\n"
    assert "".join(document.text for document in found[1:]) == large
    assert all(document.text.endswith("\n\n") for document in found[1:])
    assert all(len(document.text) <= DOCUMENT_BYTES for document in found)


def test_text_that_is_not_utf8_is_repaired(folder: Path, cache: PageCache) -> None:
    (folder / "a.txt").write_bytes(b"caf\xe9")
    (found,) = everything(folder_source(folder, PlainText(), cache))
    assert (found.text, found.repaired) == ("caf\ufffd", True)


def test_folders_can_be_configs(folder: Path, cache: PageCache) -> None:
    for language in ("en", "fr"):
        (folder / language).mkdir()
        (folder / language / "a.txt").write_text(language)
    source = folder_source(folder, PlainText(), cache, "{config}/*.txt")
    assert [each.name for each in source.describe().configs] == ["en", "fr"]
    assert everything(source, "fr")[0].text == "fr"


def test_the_revision_is_that_of_the_content(
    folder: Path, tmp_path: Path, cache: PageCache
) -> None:
    (folder / "a.txt").write_text("one")
    before = folder_source(folder, PlainText(), cache).describe().revision
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "a.txt").write_text("one")
    assert folder_source(copy, PlainText(), cache).describe().revision == before
    (copy / "a.txt").rename(copy / "b.txt")
    assert folder_source(copy, PlainText(), cache).describe().revision != before
    pinned = FolderSource("folder", copy, Pattern("*"), PlainText(), cache, before)
    with pytest.raises(ChangedSourceError, match="is pinned"):
        pinned.describe()


def test_a_file_changed_after_it_was_indexed_fails_the_page(folder: Path, cache: PageCache) -> None:
    (folder / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    source = folder_source(folder, JsonLines(), cache)
    source.describe()
    (folder / "a.jsonl").write_text('{"text": "1"}\n{"text": "zwei"}\n\n')
    with pytest.raises((ChangedSourceError, CorruptSourceError)):
        everything(source)
    (folder / "a.jsonl").write_text('{"text": "one"}\n{"text": "TWO"}\n')
    os.utime(folder / "a.jsonl", (1, 1))
    with pytest.raises(ChangedSourceError, match="no longer the file"):
        everything(source)
    fresh = folder_source(folder, JsonLines(), cache)
    assert fresh.describe().revision != source.describe().revision
    assert [document.text for document in everything(fresh)] == ["one", "TWO"]


def test_a_removed_file_and_an_empty_folder(folder: Path, cache: PageCache) -> None:
    with pytest.raises(UnavailableSourceError, match=r"no file there matches '\*'"):
        folder_source(folder, PlainText(), cache).describe()
    (folder / "a.txt").write_text("text")
    source = folder_source(folder, PlainText(), cache)
    source.describe()
    (folder / "a.txt").unlink()
    with pytest.raises(UnavailableSourceError, match="No such file"):
        everything(source)


def record(kind: str, block: bytes, digest: str | None = None, length: int | None = None) -> bytes:
    """One gzipped WARC record."""
    sha1 = base64.b32encode(hashlib.sha1(block).digest()).decode()
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Block-Digest: sha1:{digest or sha1}\r\n"
        f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


def response(body: bytes, content_type: str = "text/html", more: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{more}\r\n"
    return head.encode() + body


def test_warc_gives_responses_and_conversions_that_are_text(folder: Path, cache: PageCache) -> None:
    chunked = b"5\r\n<p>a \r\n6;x=y\r\nlong</\r\n2\r\np>\r\n0\r\n\r\n"
    records = [
        record("warcinfo", b"software: test"),
        record("request", b"GET / HTTP/1.1\r\n\r\n"),
        record("response", response(b"<p>one</p>")),
        record("response", response(b"\x89PNG", "image/png")),
        record("response", response("café".encode("latin-1"), "text/plain; charset=ISO-8859-1")),
        record("response", response(chunked, more="Transfer-Encoding: chunked\r\n")),
        record("response", response(b"<p>said so</p>", more="Transfer-Encoding: chunked\r\n")),
        record("response", response(b"\x1f\x8b", more="Content-Encoding: gzip\r\n")),
        record("conversion", "plain text ✓".encode()),
    ]
    (folder / "a.warc.gz").write_bytes(b"".join(records))
    source = folder_source(folder, Warc(), cache, "*.warc.gz")
    assert [document.text for document in everything(source)] == [
        *("<p>one</p>", "café", "<p>a long</p>", "<p>said so</p>", "plain text ✓"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (record("conversion", b"text")[:-9], "cut off"),
        (b"no gzip at all", "cannot be unzipped"),
        (gzip.compress(b"HTTP/1.1 200 OK\r\n\r\n", mtime=0), "instead of WARC/1"),
        (record("conversion", b"text", length=400), "shorter than its Content-Length"),
    ],
)
def test_broken_warc_files_are_refused(
    folder: Path, cache: PageCache, content: bytes, sentence: str
) -> None:
    (folder / "a.warc.gz").write_bytes(record("conversion", b"fine") + content)
    with pytest.raises(CorruptSourceError, match=sentence):
        folder_source(folder, Warc(), cache).describe()


def test_a_warc_record_that_lies_about_its_digest(folder: Path, cache: PageCache) -> None:
    (folder / "a.warc.gz").write_bytes(record("conversion", b"text", digest="A" * 32))
    source = folder_source(folder, Warc(), cache)
    with pytest.raises(CorruptSourceError, match="does not have the digest"):
        everything(source)


def test_a_warc_record_that_unpacks_without_end(
    folder: Path, cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iotapretrain.data.record_files.LARGEST_RECORD", 10_000)
    (folder / "a.warc.gz").write_bytes(record("conversion", b"0" * 1_000_000))
    with pytest.raises(CorruptSourceError, match="larger than 10000 bytes"):
        folder_source(folder, Warc(), cache).describe()
