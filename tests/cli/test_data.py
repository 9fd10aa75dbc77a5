from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from iotapretrain.cli.data import app
from iotapretrain.errors import InputError, UnavailableSourceError

POEM = Path(__file__).parents[1] / "data" / "golden" / "poem"


@pytest.fixture
def poem(tmp_path: Path) -> str:
    path = tmp_path / "poem.toml"
    path.write_text(
        f'title = "Poem"\nlocation = "{POEM}"\nformat = "jsonl"\nfiles = "*.jsonl"\n'
        'licence = "none"\naccess = "open"\n'
    )
    return str(path)


def run(*arguments: str, cache: Path) -> str:
    result = CliRunner().invoke(app, [*arguments], env={"IOTA_CACHE": str(cache)})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: str, cache: Path) -> Any:
    return json.loads(run(*arguments, "--json", cache=cache))


def test_sample_prints_pages_and_digests(poem: str, tmp_path: Path) -> None:
    arguments = ("sample", "--source", poem, "--seed", "7", "--pages", "2", "--rows", "3")
    report = run_json(*arguments, cache=tmp_path)
    assert [page["rows"] for page in report["pages"]] == [3, 3]
    assert report["seed"] == 7
    printed = run(*arguments, cache=tmp_path)
    for page in report["pages"]:
        assert page["digest"] in printed


def test_sample_packs_with_a_tokenizer(poem: str, tmp_path: Path) -> None:
    arguments = ("sample", "--source", poem, "--pages", "3", "--rows", "3", "--tokenizer", "bytes")
    packed = run_json(*arguments, "--sequence-length", "32", "--sequences", "4", cache=tmp_path)
    assert packed["sequences"] == 4
    assert sum(page["sequences"] for page in packed["pages"]) == 4
    unpacked = run_json(*arguments, "--sequence-length", "32", "--unpacked", cache=tmp_path)
    assert unpacked["digest"] != packed["digest"]
    assert packed["tokenizer"] == unpacked["tokenizer"]


def test_stats(poem: str, tmp_path: Path) -> None:
    report = run_json("stats", "--source", poem, "--pages", "9", "--rows", "5", cache=tmp_path)
    assert report["rows"] == 10
    assert report["configs"] == {"all": 10}
    assert report["sample"]["pages"] == 2
    assert report["sample"]["documents"] == 10
    assert report["sample"]["empty"] == 1
    assert "10 rows" in run("stats", "--source", poem, cache=tmp_path)


def test_sources_are_listed_with_licence_and_access(tmp_path: Path) -> None:
    listed = run_json("sources", cache=tmp_path)
    assert {"python-docs", "python-code", "fineweb"} <= {row["name"] for row in listed}
    assert all(row["licence"] and row["access"] for row in listed)
    assert "NO PINNED REVISION" in run("sources", cache=tmp_path)


def test_a_tokenizer_is_trained_and_then_used(poem: str, tmp_path: Path) -> None:
    out = tmp_path / "tokenizer"
    arguments = ("tokenizer", "train", "--source", poem, "--vocabulary", "270", "--rows", "4")
    report = run_json(*arguments, "--out", str(out), cache=tmp_path)
    assert report["vocabulary"] == 270
    again = run_json(*arguments, "--out", str(tmp_path / "again"), cache=tmp_path)
    assert again["digest"] == report["digest"]
    sample = ("sample", "--source", poem, "--rows", "5", "--pages", "2", "--sequence-length", "16")
    used = run_json(*sample, "--tokenizer", str(out), cache=tmp_path)
    assert used["tokenizer"] == report["digest"]
    with pytest.raises(InputError, match=r"has a tokenizer\.json already"):
        run(*arguments, "--out", str(out), cache=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sample", "--source", "nope"), "unknown; there are python-docs"),
        (("sample", "--source", "python-docs", "--pages", "9999"), "9999 pages"),
        (("sample", "--source", "python-docs", "--config", "en"), "no config 'en'"),
        (("sample", "--source", "python-docs", "--tokenizer", "gpt2"), "no such file or folder"),
        (("stats", "--source", "pes2o"), "iota data pin"),
    ],
)
def test_mistakes_are_said_in_one_line(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        run(*arguments, cache=tmp_path)


def test_pin_says_when_it_cannot_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UnavailableSourceError, match="its commit cannot be read"):
        run("pin", "team/set", cache=tmp_path)
