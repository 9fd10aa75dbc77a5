"""What strangers say stays words, whichever way it is said."""

from __future__ import annotations

import json

import pytest

from iotapretrain.cli.console import print_json, tell

EVIL = "\x1b[2Jhidden\x07\u202etxt\x9b31m\x00\r"


def test_a_told_line_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    tell(EVIL)
    said = capsys.readouterr().out
    assert "hidden" in said
    assert said.rstrip("\n").isprintable()


def test_a_document_keeps_what_it_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"said": EVIL})
    said = capsys.readouterr().out
    assert said.replace("\n", "").isprintable()
    assert json.loads(said) == {"said": EVIL}
