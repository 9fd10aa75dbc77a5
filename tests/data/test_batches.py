from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.data.batches import Batch, Packing, make_batch
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import END_TOKEN, Tokenizer
from iotapretrain.errors import CorruptSourceError, InputError, UnavailableSourceError
from iotapretrain.rules.sampling import Page
from tests.data.conftest import ListSource


def pages_of(source: ListSource, rows: int) -> list[Page]:
    count = len(source.texts)
    return [Page("all", start, min(rows, count - start)) for start in range(0, count, rows)]


def batch_of(
    source: ListSource, tokens: Tokenizer, cache: PageCache, packing: Packing, rows: int = 2
) -> Batch:
    return make_batch(source, pages_of(source, rows), tokens, packing, cache)


def text_of(tokens: Tokenizer, ids: np.ndarray) -> str:
    return tokens.backend.decode(ids.tolist(), skip_special_tokens=False)


def test_documents_follow_each_other_with_an_end_token(tokens: Tokenizer, cache: PageCache) -> None:
    batch = batch_of(ListSource(["abc", "de", "fghij", "k"]), tokens, cache, Packing(4))
    assert [text_of(tokens, row) for row in batch.sequences] == [
        f"abc{END_TOKEN}",
        "fghi",
        f"j{END_TOKEN}k{END_TOKEN}",
    ]


def test_the_rest_of_every_page_is_dropped(tokens: Tokenizer, cache: PageCache) -> None:
    batch = batch_of(ListSource(["abcdef", "gh", "ijklm", "n"]), tokens, cache, Packing(4))
    assert [len(page.sequences) for page in batch.pages] == [2, 2]
    assert [page.counts["tokens"] for page in batch.pages] == [8, 6]


def test_unpacked_documents_start_a_sequence_and_padding_does_not_count(
    tokens: Tokenizer, cache: PageCache
) -> None:
    batch = batch_of(ListSource(["abcde", "f"]), tokens, cache, Packing(4, packed=False))
    (page,) = batch.pages
    end = END_TOKEN
    assert [text_of(tokens, row) for row in page.sequences] == [
        "abcd",
        f"e{end}{end}{end}",
        f"f{end}{end}{end}",
    ]
    assert page.counted is not None
    assert page.counted.tolist() == [
        [True] * 4,
        [True, True, False, False],
        [True, True, False, False],
    ]


def test_the_mask_of_a_batch_is_that_of_its_pages(tokens: Tokenizer, cache: PageCache) -> None:
    source = ListSource(["abc", "d", "efghi"])
    unpacked = batch_of(source, tokens, cache, Packing(4, packed=False), rows=1)
    assert unpacked.counted is not None
    assert unpacked.counted.shape == unpacked.sequences.shape
    assert batch_of(source, tokens, cache, Packing(4), rows=1).counted is None


def test_odd_documents(tokens: Tokenizer, cache: PageCache) -> None:
    texts = ["", "a\ud800", f"x{END_TOKEN}y", "z" * 200_000]
    batch = batch_of(ListSource(texts), tokens, cache, Packing(4), rows=4)
    (page,) = batch.pages
    assert page.counts["empty"] == 1
    assert page.counts["repaired"] == 1
    assert page.counts["cut"] == 1
    ends = np.count_nonzero(page.sequences == tokens.end_id)
    assert ends <= 3  # one a document that is not empty, and none from within


def test_the_limit_is_shared_out_over_the_pages(tokens: Tokenizer, cache: PageCache) -> None:
    source = ListSource(["a" * 40] * 4)
    batch = batch_of(source, tokens, cache, Packing(4, limit=10), rows=1)
    assert [len(page.sequences) for page in batch.pages] == [3, 3, 2, 2]


def test_a_short_page_leaves_its_share_to_the_later_ones(
    tokens: Tokenizer, cache: PageCache
) -> None:
    source = ListSource(["abc", "b" * 40, "c" * 40])
    batch = batch_of(source, tokens, cache, Packing(4, limit=9), rows=1)
    assert [len(page.sequences) for page in batch.pages] == [1, 4, 4]


def test_no_more_pages_are_fetched_than_can_be_kept(tokens: Tokenizer, cache: PageCache) -> None:
    source = ListSource(["a" * 40] * 10)
    batch_of(source, tokens, cache, Packing(4, limit=3), rows=1)
    assert sorted(page.start for page in source.fetched) == [0, 1, 2]


def test_a_page_that_fails_fails_the_batch(tokens: Tokenizer, cache: PageCache) -> None:
    source = ListSource(
        ["a" * 40] * 6, failing={3: UnavailableSourceError("list", "page 3 is down")}
    )
    with pytest.raises(UnavailableSourceError, match="page 3 is down"):
        batch_of(source, tokens, cache, Packing(4), rows=1)


def test_text_too_short_for_one_sequence_is_an_error(tokens: Tokenizer, cache: PageCache) -> None:
    with pytest.raises(CorruptSourceError, match="no whole sequence of 1024 tokens"):
        batch_of(ListSource(["short"] * 3), tokens, cache, Packing(1024))


@pytest.mark.parametrize("packing", [{"sequence_length": 1}, {"sequence_length": 4, "limit": 0}])
def test_impossible_packings_are_refused(packing: dict[str, int]) -> None:
    with pytest.raises(InputError, match="want sequences of 2 tokens"):
        Packing(**packing)


def test_the_digest_sees_all_that_decides_the_score(tokens: Tokenizer, cache: PageCache) -> None:
    texts = ["abcdefgh", "ijklmnop"]
    digests = [
        batch_of(ListSource(texts), tokens, cache, Packing(4)).digest,
        batch_of(ListSource(texts), tokens, cache, Packing(3)).digest,
        batch_of(ListSource(texts), tokens, cache, Packing(4, packed=False)).digest,
        batch_of(ListSource(texts), tokens, cache, Packing(4, limit=1)).digest,
        batch_of(
            ListSource(["abcdefgh", "ijklmnoX"]), tokens, PageCache(cache.folder / "b"), Packing(4)
        ).digest,
    ]
    assert len(set(digests)) == 5
    assert batch_of(ListSource(texts), tokens, cache, Packing(4)).digest == digests[0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(alphabet="ab é", max_size=30), min_size=1, max_size=12),
    st.integers(2, 9),
    st.integers(1, 5),
)
def test_sequences_are_the_pages_texts_and_the_cache_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    tokens: Tokenizer,
    texts: list[str],
    length: int,
    rows: int,
) -> None:
    cache = PageCache(tmp_path_factory.mktemp("cache"))
    source = ListSource(texts)
    try:
        batch = batch_of(source, tokens, cache, Packing(length), rows)
    except CorruptSourceError:
        return
    for page in batch.pages:
        part = [text for text in texts[page.page.start : page.page.start + page.page.rows] if text]
        stream = [i for ids in tokens.encode(part) for i in [*ids.tolist(), tokens.end_id]]
        assert page.sequences.ravel().tolist() == stream[: len(stream) // length * length]
    again = batch_of(source, tokens, cache, Packing(length), rows)
    assert again.digest == batch.digest
