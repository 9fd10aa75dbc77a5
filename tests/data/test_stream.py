from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.stream import PAGES_AHEAD, Plan, StreamPart, StreamState, TokenStream
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import CorruptSourceError, InputError, UnavailableSourceError
from tests.data.conftest import ListSource


def numbered(name: str, count: int) -> ListSource:
    """Documents that say who they are, of many lengths."""
    return ListSource([f"[{name}{i}]" + "." * (i * 7 % 23) for i in range(count)], name)


def plan_of(tokens: Tokenizer, *parts: StreamPart, length: int = 16, **more: int) -> Plan:
    return Plan(parts, tokens, length, **({"seed": 7} | more))


def text_of(tokens: Tokenizer, sequences: np.ndarray) -> str:
    return tokens.backend.decode(sequences.ravel().tolist(), skip_special_tokens=False)


def documents_in(text: str) -> list[str]:
    return [part.split("]")[0][1:] for part in text.split("<|endoftext|>") if "]" in part]


def taken(
    plan: Plan, cache: PageCache, sequences: int, state: StreamState | None = None
) -> np.ndarray:
    stream = TokenStream(plan, cache, state)
    try:
        return stream.take(sequences)
    finally:
        stream.close()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(1, 20), st.integers(2, 40), st.integers(1, 4))
def test_a_stream_stopped_anywhere_goes_on_at_the_exact_token(
    tmp_path_factory: pytest.TempPathFactory,
    tokens: Tokenizer,
    before: int,
    after: int,
    length: int,
    ranks: int,
) -> None:
    cache = PageCache(tmp_path_factory.mktemp("cache"))
    parts = StreamPart(numbered("a", 30), 0.7, 3), StreamPart(numbered("b", 20), 0.3, 4)
    plan = plan_of(tokens, *parts, length=length, rank=ranks - 1, ranks=ranks)
    undisturbed = taken(plan, cache, before + after)
    stream = TokenStream(plan, cache)
    for _ in range(before):
        next(stream)
    saved = msgspec.json.encode(stream.state)
    stream.close()
    state = msgspec.json.decode(saved, type=StreamState)
    assert np.array_equal(taken(plan, cache, after, state), undisturbed[before:])


def test_the_state_is_small_plain_json(tokens: Tokenizer, cache: PageCache) -> None:
    stream = TokenStream(plan_of(tokens, StreamPart(numbered("a", 30), 1.0, 3)), cache)
    stream.take(5)
    stream.close()
    plain = json.loads(msgspec.json.encode(stream.state))
    assert plain["positions"][0].keys() == {"source", "epoch", "step", "offset", "sequences"}
    assert msgspec.convert(plain, StreamState) == stream.state


def test_no_token_is_lost_or_doubled_between_pages(tokens: Tokenizer, cache: PageCache) -> None:
    source = numbered("a", 30)
    plan = plan_of(tokens, StreamPart(source, 1.0, 4))
    order = plan.parts[0].order(7, 0)
    whole = "".join(
        f"{text}<|endoftext|>"
        for page in order.first(len(order))
        for text in source.texts[page.start : page.start + page.rows]
    )
    count = len(tokens.encode([whole.replace("<|endoftext|>", "!")])[0]) // 16
    assert whole.startswith(text_of(tokens, taken(plan, cache, count)))


def test_an_epoch_reads_every_page_once_and_the_next_in_another_order(
    tokens: Tokenizer, cache: PageCache
) -> None:
    plan = plan_of(tokens, StreamPart(numbered("a", 40), 1.0, 2))
    seen = documents_in(text_of(tokens, taken(plan, cache, 120)))
    first, second = seen[:40], seen[40:80]
    assert sorted(first) == sorted(second) == sorted(f"a{i}" for i in range(40))
    assert first != second


def test_ranks_read_disjoint_pages_and_together_all(tokens: Tokenizer, cache: PageCache) -> None:
    source = numbered("a", 60)
    read: list[set[str]] = []
    for rank in range(3):
        plan = plan_of(tokens, StreamPart(source, 1.0, 2), rank=rank, ranks=3)
        share = documents_in(text_of(tokens, taken(plan, cache, 60)))[:20]
        assert len(set(share)) == 20
        read.append(set(share))
    assert set.union(*read) == {f"a{i}" for i in range(60)}


def test_every_prefix_of_a_mix_keeps_the_weights(tokens: Tokenizer, cache: PageCache) -> None:
    weights = {"a": 0.5, "b": 0.3, "c": 0.2}
    parts = [StreamPart(numbered(name, 60), weight, 2) for name, weight in weights.items()]
    stream = TokenStream(plan_of(tokens, *parts), cache)
    for total in range(1, 101):
        next(stream)
        for position in stream.state.positions:
            assert abs(position.sequences - weights[position.source] * total) <= 1
    stream.close()


def test_the_seed_decides_the_order(tokens: Tokenizer, cache: PageCache) -> None:
    part = StreamPart(numbered("a", 60), 1.0, 2)
    one, again, other = (taken(plan_of(tokens, part, seed=seed), cache, 20) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_held_out_pages_are_never_read(tokens: Tokenizer, cache: PageCache) -> None:
    source = numbered("a", 40)
    part = StreamPart(source, 1.0, 2, held_out=5)
    kept_out = {
        f"a{row}" for page in part.held_out_pages(7) for row in (page.start, page.start + 1)
    }
    seen = Counter(documents_in(text_of(tokens, taken(plan_of(tokens, part), cache, 200))))
    assert len(kept_out) == 10
    assert set(seen) == {f"a{i}" for i in range(40)} - kept_out


def test_a_page_that_fails_stops_the_stream_where_it_was(
    tokens: Tokenizer, cache: PageCache
) -> None:
    source = numbered("a", 40)
    plan = plan_of(tokens, StreamPart(source, 1.0, 2))
    undisturbed = taken(plan, PageCache(cache.folder / "other"), 60)
    source.failing[20] = UnavailableSourceError("a", "down")
    stream = TokenStream(plan, cache)
    got: list[np.ndarray] = []
    with pytest.raises(UnavailableSourceError):
        got.extend(stream)
    state = stream.state
    with pytest.raises(UnavailableSourceError):
        next(stream)
    assert stream.state == state
    source.failing.clear()
    got += [next(stream) for _ in range(60 - len(got))]
    stream.close()
    assert np.array_equal(np.stack(got), undisturbed)


def test_a_batch_that_fails_half_way_takes_nothing(tokens: Tokenizer, cache: PageCache) -> None:
    source = numbered("a", 40)
    plan = plan_of(tokens, StreamPart(source, 0.5, 2), StreamPart(numbered("b", 40), 0.5, 2))
    undisturbed = taken(plan, PageCache(cache.folder / "other"), 80)
    source.failing[20] = UnavailableSourceError("a", "down")
    stream = TokenStream(plan, cache)
    state = stream.state
    with pytest.raises(UnavailableSourceError):
        stream.take(80)
    assert stream.state == state
    source.failing.clear()
    assert np.array_equal(stream.take(80), undisturbed)
    stream.close()


def test_memory_is_bounded_by_pages_ahead(tokens: Tokenizer, cache: PageCache) -> None:
    source = numbered("a", 1000)
    stream = TokenStream(plan_of(tokens, StreamPart(source, 1.0, 1)), cache)
    next(stream)
    stream.close()
    assert len(source.fetched) <= 16 + PAGES_AHEAD + 1


def test_a_state_of_something_else_is_refused(tokens: Tokenizer, cache: PageCache) -> None:
    part = StreamPart(numbered("a", 40), 1.0, 2)
    plan = plan_of(tokens, part)
    stream = TokenStream(plan, cache)
    stream.close()
    newer = ListSource(part.source.texts, "a", revision="2")  # type: ignore[attr-defined]
    others = [
        replace(plan, seed=8),
        replace(plan, sequence_length=17),
        replace(plan, ranks=2),
        replace(plan, parts=(replace(part, weight=2.0),)),
        replace(plan, parts=(replace(part, page_rows=3),)),
        replace(plan, parts=(replace(part, held_out=1),)),
        replace(plan, parts=(replace(part, source=newer),)),
    ]
    for other in others:
        with pytest.raises(InputError, match="saved state belongs to another"):
            TokenStream(other, cache, stream.state)


def test_a_source_without_text_ends_in_an_error(tokens: Tokenizer, cache: PageCache) -> None:
    stream = TokenStream(plan_of(tokens, StreamPart(ListSource([""] * 9), 1.0, 1)), cache)
    with pytest.raises(CorruptSourceError, match="a whole epoch without any text"):
        next(stream)


def test_impossible_plans_are_refused(tokens: Tokenizer, cache: PageCache) -> None:
    part = StreamPart(numbered("a", 10), 1.0, 2)
    for plan in (
        lambda: plan_of(tokens),
        lambda: plan_of(tokens, part, part),
        lambda: plan_of(tokens, part, rank=2, ranks=2),
        lambda: plan_of(tokens, part, length=1),
        lambda: StreamPart(part.source, 0.0),
        lambda: StreamPart(part.source, float("nan")),
        lambda: StreamPart(part.source, 1.0, 0),
    ):
        with pytest.raises(InputError):
            plan()
    with pytest.raises(InputError, match="too few for 6 ranks"):
        TokenStream(plan_of(tokens, part, ranks=6), cache)
