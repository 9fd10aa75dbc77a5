"""`iota benchmark` without network: a table whose numbers others can compute too."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from click.testing import Result
from typer.testing import CliRunner

from iotapretrain.cli.main import app
from iotapretrain.data.tokenizer import load_tokenizer, save_tokenizer
from iotapretrain.errors import InputError
from tests.models import zoo

SHARED = Path(__file__).parents[3] / "shared" / "data"
LIMIT = 20

Run = Callable[..., Result]

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path_factory.mktemp("model"))
    save_tokenizer(load_tokenizer("bytes").backend, folder)
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def refused(*_: object) -> None:
        raise AssertionError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setenv("IOTA_CACHE", str(tmp_path / "cache"))

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])

    return invoke


def rows(path: Path) -> Path:
    row = {"query": "Question: How?", "choices": ["Slowly.", "At once."], "gold": 1}
    path.write_text(f"{json.dumps(row)}\n" * 3)
    return path


def metrics(result: Result) -> dict[str, dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return {each["task"]: each for each in json.loads(result.stdout)["results"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_texts_rows_and_generated_tasks(run: Run, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    text = tmp_path / "text.txt"
    text.write_text("Some words, again and again. " * 60)
    out = tmp_path / "out"
    tasks = ("--tasks", f"text={text},synthetic/recall", "--limit", 3)
    more = ("--tasks", f"piqa={rows(tmp_path / 'rows.jsonl')}", "--out", out)
    first = metrics(run(model, *tasks, *more, "--json"))
    assert first["text"]["basis"]["sequences"] == 3
    assert first["piqa"]["metrics"].keys() == {"acc", "acc_norm"}
    assert first["synthetic/recall"]["basis"]["items"] == 3
    again = run(model, *tasks, *more)
    assert again.exit_code == 0
    assert again.stdout == (out / "benchmark.md").read_text()
    kept = json.loads((out / "benchmark.json").read_text())["results"]
    assert [each["kept"] for each in kept] == [True, True, True]
    assert {path.name for path in out.iterdir()} >= {"benchmark.csv", "tasks"}
    assert [path.name for path in (out / "tasks").iterdir()] == ["piqa.yaml"]


def test_what_cannot_be_had_is_said_beside_what_can(run: Run, model: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("short")
    result = run(model, "--tasks", f"short={short},synthetic/recall", "--limit", 1)
    assert result.exit_code == 1
    assert f"* short, {model}: short: 5 tokens; at least 192 are needed" in result.stdout
    assert "| synthetic/recall | accuracy | 0.0000 |" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--tasks", "no-such-task"), "task 'no-such-task': unknown"),
        (("--tasks", "text=gone.txt"), "gone.txt: cannot be read"),
        (("--tasks", "synthetic/recall", "--device", "abacus"), "--device abacus: give cpu"),
        (("--tasks", "synthetic/recall", "--tokenizer", "gone"), "tokenizer gone: no such file"),
    ],
)
def test_mistakes_are_told_in_one_line(
    run: Run, model: Path, arguments: tuple[str, ...], problem: str
) -> None:
    result = run(model, *arguments)
    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_wikitext_as_plain_transformers_sees_it(run: Run) -> None:
    folder, text = SHARED / "stories260K" / "hf", SHARED / "wikitext-2" / "test.txt"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/stories260K/hf")
    found = metrics(run(folder, "--tasks", text, "--limit", LIMIT, "--json"))["test.txt"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = tokenizer(text.read_text(), add_special_tokens=False, verbose=False).input_ids
    sequences = torch.tensor(ids[: LIMIT * 512]).view(LIMIT, 512)
    with torch.no_grad():
        losses = [model(row[None], labels=row[None]).loss.item() for row in sequences]
    expected = math.exp(sum(losses) / LIMIT)
    assert found["metrics"]["perplexity"]["value"] == pytest.approx(expected, rel=1e-5)
