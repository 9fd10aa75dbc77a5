"""Words of strangers that would move the cursor, ring, hide a line, or colour a lie."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from iotapretrain.cli import main, model
from iotapretrain.cli.console import PrintedTable, echo, fail, stream
from iotapretrain.models.verdict import Code, Finding, Verdict
from tests.models import zoo

EVIL = "\x1b[2Jhidden\x07\u202etxt\x9b31m\x00\r"
FORBIDDEN = set("\x1b\x07\u202e\x9b\x00\r")


def clean(said: str) -> bool:
    return "hidden" in said and not FORBIDDEN & set(said)


@pytest.mark.parametrize("err", [False, True])
def test_a_line(capsys: pytest.CaptureFixture[str], err: bool) -> None:
    echo(f"{EVIL}\nsecond", err=err)
    said = "".join(capsys.readouterr())
    assert clean(said)
    assert said.count("\n") == 1


def test_what_a_model_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines and tabs are its own."""
    stream(f"def main():\n\t{EVIL}")
    said = capsys.readouterr().out
    assert clean(said)
    assert said.startswith("def main():\n\t")


def test_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    fail(f"hub: {EVIL}\n")
    assert clean(capsys.readouterr().err)


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets made an error of it before anything was said."""
    PrintedTable(EVIL, ("name",), [(EVIL,), ("[bold]plain[/nonsense]",)], EVIL).show()
    said = capsys.readouterr().out
    assert clean(said)
    assert "[bold]plain[/nonsense]" in said


def test_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Verdict((Finding(Code.BAD_CONFIG, EVIL, EVIL),))
    with pytest.raises(Exception, match="1"):
        model._print(verdict, {"admitted": False, "name": EVIL}, as_json=False)
    assert clean(capsys.readouterr().out)


def test_a_key_of_a_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["rope_scaling"] = {EVIL: "nonsense"}
    (folder / "config.json").write_text(json.dumps(config))
    arguments = ["model", "inspect", str(folder), "--competition", "tiny/nano"]
    monkeypatch.setattr(sys, "argv", ["iota", *arguments])
    with pytest.raises(SystemExit):
        main.main()
    assert clean(capsys.readouterr().out)
