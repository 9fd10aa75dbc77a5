from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.data.documents import DOCUMENT_CHARACTERS, document, piece_end, pieces


def test_utf8_is_taken_as_it_is() -> None:
    found = document("naïve 文 🙂".encode())
    assert (found.text, found.repaired, found.cut) == ("naïve 文 🙂", False, False)


@pytest.mark.parametrize("raw", [b"caf\xe9 au lait", b"\xff\xfe", b"cut \xf0\x9f\x99"])
def test_bytes_that_are_not_utf8_are_repaired_and_counted(raw: bytes) -> None:
    found = document(raw)
    assert found.repaired
    assert "\ufffd" in found.text


def test_lone_surrogates_are_repaired() -> None:
    found = document("a\ud800b")
    assert (found.text, found.repaired) == ("a\ufffdb", True)
    found.text.encode()


def test_a_stated_encoding_is_used_and_a_wrong_one_costs_only_characters() -> None:
    assert document("café".encode("latin-1"), "latin-1").text == "café"
    for wrong in ("no-such", "zlib_codec", "a\0b", "punycode"):
        assert document(b"\xff text", wrong).text == "\ufffd text"


def test_huge_documents_are_cut() -> None:
    found = document("x" * (DOCUMENT_CHARACTERS + 1))
    assert (len(found.text), found.cut) == (DOCUMENT_CHARACTERS, True)
    assert not document("x" * DOCUMENT_CHARACTERS).cut


@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_that_utf8_can_hold(raw: bytes) -> None:
    document(raw).text.encode()


@given(st.text(alphabet="ab\n é文🙂", max_size=400), st.integers(4, 50))
def test_pieces_join_to_the_text_and_are_short(text: str, longest: int) -> None:
    found = list(pieces(text, longest))
    assert "".join(found) == text
    assert all(piece and len(piece.encode()) <= longest for piece in found)


def test_pieces_end_at_a_blank_line_else_at_a_line() -> None:
    assert list(pieces("one\n\ntwo\nthree", 10)) == ["one\n\n", "two\nthree"]
    assert list(pieces("one\ntwo three", 8)) == ["one\n", "two thre", "e"]


def test_a_piece_never_outgrows_its_bound_for_a_mark_that_straddles_it() -> None:
    assert piece_end(b"abc\n\ndef", 4) == 4
