"""Records: their encoding, their links, and what cannot be one."""

from __future__ import annotations

import json

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import BrokenError, RecordError
from iotapretrain.store.record import (
    PAYLOAD_BYTES,
    Draft,
    Head,
    Record,
    canonical,
    chained,
    first_head,
    linked,
    parse,
)

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64)
DRAFTS = st.builds(Draft, NAMES, st.binary(max_size=50), NAMES, st.binary(max_size=64))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("aé\u2028"), inner),
)


def test_links_of_the_format_never_change() -> None:
    """Format 1, byte by byte: a journal written today must verify for ever."""
    head = first_head("golden")
    assert head.link == blake3(b"iotapretrain journal 1\x00golden").digest()
    first, second = chained(head, [Draft("a", b"\x00\xff"), Draft("b", b"", "author", b"s")])
    fields = b"\x95\x01\xa1a\xc4\x02\x00\xff\xa0\xc4\x00"
    assert first.link == blake3(head.link + fields).digest()
    fields = b"\x95\x02\xa1b\xc4\x00\xa6author\xc4\x01s"
    assert second.link == blake3(first.link + fields).digest()


@given(st.lists(DRAFTS, min_size=1, max_size=5))
def test_chained_records_are_linked(drafts: list[Draft]) -> None:
    head = first_head("a journal")
    records = chained(head, drafts)
    assert list(linked(head, records)) == records
    assert [record.sequence for record in records] == list(range(1, len(drafts) + 1))
    assert len({record.link for record in records} | {head.link}) == len(records) + 1
    split = len(drafts) // 2
    between = Head(split, records[split - 1].link) if split else head
    assert chained(between, drafts[split:]) == records[split:]


@given(st.lists(DRAFTS, min_size=2, max_size=5), st.data())
def test_any_change_breaks_the_link_of_its_record(drafts: list[Draft], data: st.DataObject) -> None:
    head = first_head("a journal")
    records = chained(head, drafts)
    place = data.draw(st.integers(0, len(records) - 1))
    old = records[place]
    field = data.draw(st.sampled_from(["kind", "payload", "author", "signature", "link"]))
    fields = {name: getattr(old, name) for name in Record.__struct_fields__}
    extra = "x" if isinstance(fields[field], str) else b"x"
    records[place] = Record(**{**fields, field: fields[field] + extra})
    assert _broken_at(head, records) == place + 1


def test_bytes_cannot_move_from_one_field_to_the_next() -> None:
    head = first_head("a journal")
    (one,), (other,) = chained(head, [Draft("ab", b"c")]), chained(head, [Draft("a", b"bc")])
    assert one.link != other.link


@given(st.lists(DRAFTS, min_size=3, max_size=5), st.data())
def test_missing_and_swapped_records_are_named(drafts: list[Draft], data: st.DataObject) -> None:
    head = first_head("a journal")
    records = chained(head, drafts)
    place = data.draw(st.integers(0, len(records) - 2))
    assert _broken_at(head, records[:place] + records[place + 1 :]) == place + 1
    records[place : place + 2] = reversed(records[place : place + 2])
    assert _broken_at(head, records) == place + 1


def test_records_of_another_journal_do_not_fit() -> None:
    assert _broken_at(first_head("here"), chained(first_head("there"), [Draft("a", b"")])) == 1


def _broken_at(head: Head, records: list[Record]) -> int:
    with pytest.raises(BrokenError) as caught:
        list(linked(head, records))
    return caught.value.sequence


@given(VALUES)
def test_canonical_values_come_back(value: object) -> None:
    payload = canonical(value)
    assert parse(payload) == value
    assert canonical(parse(payload)) == payload


@given(st.dictionaries(st.text("abcé"), st.integers(), min_size=2), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, int], random: object) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


def test_canonical_bytes() -> None:
    value = {"é": [1, 2.5, None, True], "a": 2**80, "Z": "\n\u2028é"}
    written = '{"Z":"\\n\u2028é","a":1208925819614629174706176,"é":[1,2.5,null,true]}'
    assert canonical(value) == written.encode()


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        {1: 2},
        {"a": {None: 1}},
        [{True: 1}],
        b"bytes",
        {1, 2},
        "\ud800",
        pytest.param(10**5000, id="past 4,300 digits"),
        object(),
    ],
)
def test_values_without_a_canonical_encoding(value: object) -> None:
    with pytest.raises(RecordError, match="no canonical encoding"):
        canonical(value)


def test_values_that_are_too_deep() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecordError):
        canonical(deep)
    with pytest.raises(RecordError):
        parse(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"1e400",
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b" 1",
        b"1.0e0",
        b'"\\u0061"',
        b"[1]x",
    ],
)
def test_payloads_that_canonical_does_not_write(payload: bytes) -> None:
    with pytest.raises(RecordError):
        parse(payload)


@given(VALUES)
def test_only_the_canonical_spelling_is_accepted(value: object) -> None:
    spaced = json.dumps(value, indent=1).encode()
    if spaced != canonical(value):
        with pytest.raises(RecordError):
            parse(spaced)


@pytest.mark.parametrize(
    ("draft", "what"),
    [
        ({"kind": ""}, "kind ''"),
        ({"kind": "x" * 65}, "kind 'xxx"),
        ({"kind": "a\x00b"}, "kind"),
        ({"kind": "é"}, "kind 'é'"),
        ({"author": "a\nb"}, "author"),
        ({"author": "x" * 257}, "author"),
        ({"payload": "text"}, "payload must be bytes, not str"),
        ({"payload": b"x" * (PAYLOAD_BYTES + 1)}, "payload of 8,388,609 bytes"),
        ({"signature": b"x" * 1025}, "signature of 1,025 bytes"),
    ],
)
def test_drafts_that_cannot_be_records(draft: dict[str, object], what: str) -> None:
    with pytest.raises(RecordError, match=what):
        Draft(**{"kind": "a", "payload": b"", **draft})


@pytest.mark.parametrize("identity", ["", "x" * 257, "tab\t"])
def test_identities_that_cannot_be(identity: str) -> None:
    with pytest.raises(RecordError, match="journal identity"):
        first_head(identity)
