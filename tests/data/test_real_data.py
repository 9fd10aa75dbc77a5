"""Real pages, a real crawl and a real tokenizer, where they lie beside the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from iotapretrain.data.batches import Packing, draw, make_batch
from iotapretrain.data.locations import Pattern
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.record_files import JsonLines, PlainText, Warc
from iotapretrain.data.text_folder import FolderSource, RecordReader
from iotapretrain.data.tokenizer import Tokenizer, load_tokenizer
from iotapretrain.rules.sampling import Page

SHARED = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="no ../shared/data beside the repository: it is never committed"
)


@pytest.fixture(scope="module")
def gpt2() -> Tokenizer:
    return load_tokenizer(str(SHARED / "gpt2-tokenizer"))


def source_of(name: str, pattern: str, reader: RecordReader, cache: PageCache) -> FolderSource:
    return FolderSource(name, SHARED / name, Pattern(pattern), reader, cache)


def test_gpt2_ids(gpt2: Tokenizer) -> None:
    assert gpt2.encode(["Hello world"])[0].tolist() == [15496, 995]
    assert (gpt2.end_token, gpt2.end_id, gpt2.vocabulary) == ("<|endoftext|>", 50256, 50257)
    assert 50256 not in gpt2.encode(["a <|endoftext|> in the text"])[0]


def test_older_file_formats_are_converted(gpt2: Tokenizer, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(SHARED / "gpt2-tokenizer" / name, tmp_path / name)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    converted = load_tokenizer(str(tmp_path))
    text = "Hello <|endoftext|> naïve world"
    assert converted.encode([text])[0].tolist() == gpt2.encode([text])[0].tolist()
    assert converted.end_id == gpt2.end_id


def test_web_pages_become_a_batch(gpt2: Tokenizer, cache: PageCache) -> None:
    source = source_of("webtext", "*.jsonl", JsonLines(), cache)
    description = source.describe()
    assert description.rows == 378
    pages = draw(description, 7, 0, "WEB", 20).first(8)
    batch = make_batch(source, pages, gpt2, Packing(1024, limit=24), cache)
    assert batch.sequences.shape == (24, 1024)
    assert batch.sequences.max() <= 50256
    again = make_batch(source, pages, gpt2, Packing(1024, limit=24), PageCache(cache.folder / "b"))
    assert again.digest == batch.digest


def test_a_real_crawl(cache: PageCache) -> None:
    source = source_of("webtext", "*.warc.gz", Warc(), cache)
    rows = source.describe().rows
    documents = source.fetch(Page("all", 0, rows))
    assert rows > 10
    assert all(
        document.text.lstrip()[:9].lower() in ("<!doctype", "<html lan")
        for document in documents[:5]
    )


def test_text_files_join_to_themselves(cache: PageCache) -> None:
    source = source_of("tinyshakespeare", "*.txt", PlainText(), cache)
    documents = source.fetch(Page("all", 0, source.describe().rows))
    whole = (SHARED / "tinyshakespeare" / "input.txt").read_bytes().decode()
    assert "".join(document.text for document in documents) == whole


def test_another_small_tokenizer_ends_its_documents(cache: PageCache) -> None:
    llama = load_tokenizer(str(SHARED / "stories260K" / "hf"))
    source = source_of("tinyshakespeare", "*.txt", PlainText(), cache)
    batch = make_batch(source, [Page("all", 0, 2)], llama, Packing(128), cache)
    assert np.count_nonzero(batch.sequences == llama.end_id) >= 1
