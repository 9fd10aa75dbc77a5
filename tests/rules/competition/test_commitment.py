"""Commitments: strict in and out, and the original's leniency beside it."""

from __future__ import annotations

import base64
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.conformance.original import Loose, split_repo_id
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.commitment import (
    MAX_BYTES,
    Commitment,
    hub_url,
    secure_hash,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HASH = "k2oYXKqiZrucvpgengXLeM1zKwsygOuURBK7b4+PB68="
GOOD = Commitment("my-org", "my-repo", COMMIT, HASH, 4)

letters = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=18)
commitments = st.builds(
    Commitment,
    namespace=letters,
    name=letters,
    commit=st.text("0123456789abcdef", min_size=40, max_size=40),
    secure_hash=st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode()),
    competition_id=st.integers(0, 99),
)


@given(commitments)
def test_what_is_written_is_read_back(commitment: Commitment) -> None:
    assert Commitment.parse(commitment.text) == commitment
    assert len(commitment.text.encode()) <= MAX_BYTES


@given(st.text(max_size=140) | commitments.map(lambda each: each.text), st.data())
def test_whatever_is_accepted_is_canonical(text: str, data: st.DataObject) -> None:
    """Change one character anywhere: it is refused, or it means something else; never the same."""
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(st.characters()) + text[place + 1 :]
    try:
        read = Commitment.parse(changed)
    except InputError:
        return
    assert read.text == changed


@given(commitments)
def test_the_original_reads_what_we_write(commitment: Commitment) -> None:
    loose = Loose.parse(commitment.text)
    assert loose.text == commitment.text
    assert (loose.commit, loose.secure_hash) == (commitment.commit, commitment.secure_hash)


def with_part(place: int, part: str) -> str:
    parts = GOOD.text.split(":")
    parts[place] = part
    return ":".join(parts)


NOT_CANONICAL = HASH[:-2] + "9="  # decodes to the same 32 bytes
WRONG = [
    *(with_part(place, "") for place in range(5)),
    *(with_part(0, namespace) for namespace in ("a b", "a/b", "ä", "a\n", "..", "-a", "a--b", ".")),
    *(with_part(1, name) for name in ("b ", "b\t", "b.git", "..", "b/../c", "b\x00")),
    *(with_part(2, commit) for commit in ("main", "None", COMMIT[1:], COMMIT + "0")),
    *(with_part(2, commit) for commit in (COMMIT.upper(), COMMIT[:-1] + "g", COMMIT[:-1] + "\n")),
    *(with_part(3, hashed) for hashed in ("None", HASH[:-1], HASH[1:], HASH + "=", NOT_CANONICAL)),
    *(
        with_part(3, hashed)
        for hashed in (HASH.replace("+", "-"), HASH.replace("+", " "), "A" * 44)
    ),
    *(with_part(4, number) for number in ("100", "-1", "+4", "04", "4 ", " 4", "4\n", "4.0", "٤")),
    *(with_part(4, number) for number in ("None", "1_0", "0x4", "00")),
    GOOD.text + ":x",
    GOOD.text + ":",
    " " + GOOD.text,
    GOOD.text.rsplit(":", 1)[0],
    "",
]


@pytest.mark.parametrize("text", WRONG)
def test_defect_30_nothing_else_is_a_commitment(text: str) -> None:
    """The original takes branch names, ignores what follows and never counts bytes."""
    with pytest.raises(InputError) as refused:
        Commitment.parse(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("wrong", [{"competition_id": 100}, {"commit": "main"}, {"name": "a b"}])
def test_what_could_not_be_read_is_refused_before_it_is_sent(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(GOOD, **wrong)


def test_a_text_of_128_bytes_fits_and_of_129_does_not() -> None:
    at = Commitment("n" * 18, "m" * 20, COMMIT, HASH, 12)
    assert len(at.text) == 128
    with pytest.raises(InputError, match="shorten the repository's name"):
        replace(at, name="m" * 21)


def test_a_hash_binds_bytes_to_a_hotkey() -> None:
    assert secure_hash("hello", "world") == HASH
    bound = replace(GOOD, secure_hash=secure_hash("model", "owner"))
    assert bound.binds("model", "owner")
    assert not bound.binds("model", "copier")
    assert not bound.binds("other", "owner")


def test_the_legacy_form_has_a_plain_hash() -> None:
    loose = Loose.parse("ns:nm:None:TestHash")
    assert loose == Loose("ns", "nm", None, "TestHash", 0, hash="TestHash")
    assert Loose.parse("ns:nm:main:None:7:more").text == "ns:nm:main:None:7"


@pytest.mark.parametrize("text", ["", "a", "a:b", "a:b:c", "a:b:c:d:", "a:b:c:d:e"])
def test_even_the_original_cannot_read_everything(text: str) -> None:
    with pytest.raises(InputError):
        Loose.parse(text)


@pytest.mark.parametrize("text", ["a/bc", "/name", "o/" + 36 * "x"])
def test_repositories_of_4_to_38_characters_split(text: str) -> None:
    assert "/".join(split_repo_id(text)) == text


@pytest.mark.parametrize("text", ["", "a/b", "abcd", "a/b/c", "o/" + 37 * "x"])
def test_other_repositories_do_not(text: str) -> None:
    with pytest.raises(InputError, match="namespace/name"):
        split_repo_id(text)


def test_the_address_for_people() -> None:
    assert hub_url("o", "n", "c") == "https://huggingface.co/o/n/tree/c"
