"""`python -m bench.data [--json]`: packing, tokenising, sampling and the bytes that pages cost.

One core packs tokens that lie in the cache; the tokenizer's own batch call is the peer of ours; a
set of 1,000 parquet files is sampled over HTTP from a server in this process that counts its bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.measure import RUNS, Figure, alternate, arguments, report
from iotapretrain.data.batches import Packing, PageText, draw, pack_page, page_digest, page_tokens
from iotapretrain.data.datasets import open_source
from iotapretrain.data.documents import document
from iotapretrain.data.locations import Pattern, WebPlace
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.parquet import ParquetSource
from iotapretrain.data.ranges import PagePatience
from iotapretrain.data.tokenizer import Tokenizer, load_tokenizer, save_tokenizer, train_tokenizer
from iotapretrain.net.threads import prefetched
from iotapretrain.rules.sampling import Page
from tests.data.parquet_sets import group_bytes, parquet_file
from tests.data.web import Web, serving

VOCABULARY = 8192
LENGTH = 1024
FILES = 1000
FILE_ROWS = 40
GROUP_ROWS = 20
PAGES = 15
DOCUMENTS = 100
TOKENISING_RUNS = 25
"""Short and many: both ways use all cores, so whatever else runs disturbs them most."""


def page_of(texts: list[str]) -> PageText:
    """A page of these texts, as if it had been fetched."""
    documents = tuple(map(document, texts))
    return PageText(Page("all", 0, len(texts)), documents, page_digest(documents))


def library_texts(name: str, cache: PageCache) -> list[str]:
    """All documents of an embedded source."""
    source = open_source(name, cache)
    return [each.text for each in source.fetch(Page("all", 0, source.describe().rows))]


def packing(cache: PageCache, tokenizer: Tokenizer, texts: list[str]) -> list[Figure]:
    """Tokens a second from the cache to sequences, and how that changes with twice as many.

    Both are larger than a processor's cache, so that only the algorithm can make a difference.
    """
    packing = Packing(LENGTH)
    half, whole = page_of(texts * 16), page_of(texts * 32)
    counts = [len(page_tokens(page, tokenizer, cache)[0]) for page in (half, whole)]
    seconds = alternate(
        lambda: pack_page(half, tokenizer, packing, cache),
        lambda: pack_page(whole, tokenizer, packing, cache),
    )
    slow, fast = (count / taken for count, taken in zip(counts, seconds, strict=True))
    growth = slow / fast
    return [
        Figure("packing from cached tokens", "tokens/s", fast, None, None, ">= 5e6", fast >= 5e6),
        Figure(
            f"packing: time a token, {counts[1]:,} against {counts[0]:,} tokens",
            *("ratio", growth, None, None, "<= 1.25", growth <= 1.25),
        ),
    ]


def tokenising(tokenizer: Tokenizer, texts: list[str]) -> list[Figure]:
    """Ours gives checked arrays; the peer is the library's fastest batch call and its id lists."""

    def plain() -> list[list[int]]:
        encodings = tokenizer.backend.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    tokens = sum(map(len, plain()))
    ours, peer = (
        tokens / taken
        for taken in alternate(lambda: tokenizer.encode_flat(texts), plain, runs=TOKENISING_RUNS)
    )
    ratio = ours / peer
    return [Figure("tokenising", "tokens/s", ours, peer, ratio, ">= 0.9 of the peer", ratio >= 0.9)]


def set_source(web: Web, cache: PageCache) -> ParquetSource:
    """The served set, opened as a fresh process opens it."""
    place = WebPlace("set", web.url, sorted(web.files), PagePatience())
    return ParquetSource("set", place, Pattern("*.parquet"), cache, PagePatience())


def needed_bytes(web: Web, pages: tuple[Page, ...]) -> int:
    """Stored bytes of the text column in the row groups that the pages touch, each once a page."""
    paths = sorted(web.files)
    total = 0
    for page in pages:
        file, row = divmod(page.start, FILE_ROWS)
        total += group_bytes(web.files[paths[file]], [row // GROUP_ROWS])
    return total


@contextmanager
def served_set() -> Iterator[Web]:
    """A server with the set; pages of `GROUP_ROWS` rows are whole row groups."""
    with serving() as web:
        for number in range(FILES):
            content = parquet_file(number, FILE_ROWS, GROUP_ROWS)
            web.files[f"{number:05d}.parquet"] = content
        yield web


def sampling(cache: PageCache) -> list[Figure]:
    """Describe, draw and fetch with the index cached; every run has other pages."""
    with served_set() as web:
        before = set_source(web, cache).describe()
        web.forget()
        needed = 0
        seeds = iter(range(RUNS))

        def run() -> None:
            nonlocal needed
            source = set_source(web, cache)
            pages = draw(source.describe(), next(seeds), 0, "BENCH", GROUP_ROWS).first(PAGES)
            texts = list(prefetched(source.fetch, pages))
            needed += needed_bytes(web, pages)
            assert len(texts) == PAGES
            assert source.describe() == before

        (seconds,) = alternate(run)
        ratio = web.sent / needed
    return [
        Figure(
            f"sampling {PAGES} pages of {FILES:,} files over HTTP, footers cached",
            *("s", seconds, None, None, "<= 1", seconds <= 1),
        ),
        Figure(
            "bytes over HTTP against the row groups needed",
            *("bytes", web.sent, needed, ratio, "<= 1.2 of the peer", ratio <= 1.2),
        ),
    ]


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        cache = PageCache(Path(folder) / "cache")
        prose, code = (library_texts(name, cache) for name in ("python-docs", "python-code"))
        tokenizer = save_tokenizer(train_tokenizer(prose, VOCABULARY), Path(folder) / "tokenizer")
        figures = [
            *packing(cache, load_tokenizer("bytes"), prose),
            *tokenising(tokenizer, code[:DOCUMENTS]),
            *sampling(cache),
        ]
    assert np.isfinite([figure.ours for figure in figures]).all()
    report("data", figures, options.json)


if __name__ == "__main__":
    main()
