"""`iota model`: verdicts, exit codes, and how soon they come."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from iotapretrain.data.tokenizer import load_tokenizer
from tests.models import zoo

COMPETITION = """
[architectures]
list = ["LlamaForCausalLM"]
[tasks]
prose = [{ name = "PROSE", dataset = "python-docs", pages = 1, weight = 1.0 }]
[[competition]]
name = "small"
id = 0
parameters = [10_000, 1_000_000]
sequence_length = 128
tokenizer = "bytes"
max_bytes = 20_000_000_000
architectures = "list"
dtype = "float32"
tasks = "prose"
epsilon = { type = "fixed", epsilon = 0.005 }
    [[competition.active]]
    from = 0
    share = 1.0
"""

MAIN = "from iotapretrain.cli.main import main; main()"
Iota = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return zoo.save(zoo.network("LlamaForCausalLM"), tmp_path_factory.mktemp("honest"))


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    """An honest model that the test may change."""
    return Path(shutil.copytree(honest, tmp_path / "model"))


@pytest.fixture
def real() -> Path:
    path = Path(__file__).parents[3] / "shared" / "data" / "stories260K" / "hf"
    if not path.is_dir():
        pytest.skip("no ../shared/data/stories260K/hf")
    return path


@pytest.fixture
def iota(tmp_path: Path) -> Iota:
    """`iota model COMMAND FOLDER --competition …`, as a process."""
    schedule = tmp_path / "competitions.toml"
    schedule.write_text(COMPETITION)

    def run(command: str, model: Path, *options: object) -> subprocess.CompletedProcess[str]:
        line = [command, model, "--competition", f"{schedule}:small", *options]
        return subprocess.run(
            [sys.executable, "-c", MAIN, "model", *map(str, line)],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def verdict(iota: Iota, model: Path, *options: object) -> dict[str, Any]:
    answer = iota("inspect", model, "--json", *options)
    document: dict[str, Any] = json.loads(answer.stdout)
    assert answer.returncode == (0 if document["admitted"] else 1)
    return document


def test_an_honest_model_a_copy_and_a_near_copy(
    iota: Iota,
    honest: Path,
    folder: Path,
) -> None:
    assert verdict(iota, honest)["admitted"]
    zoo.edit_config(folder, note="mine")
    findings = verdict(iota, folder, "--known", honest)["findings"]
    assert [finding["code"] for finding in findings] == ["near-copy"]


def test_weights_that_are_no_numbers(iota: Iota, folder: Path) -> None:
    zoo.edit_tensors(folder, {"model.norm.weight": torch.full((32,), torch.nan)})
    answer = iota("inspect", folder)
    assert answer.returncode == 1
    assert "not-finite: model.norm.weight holds NaN or infinity" in answer.stdout


def test_headers_alone_reject_a_model_of_any_size_in_a_moment(iota: Iota, tmp_path: Path) -> None:
    """18 GB of weights, in a file with a hole: refused without reading or importing much."""
    huge = tmp_path / "huge"
    zoo.save(zoo.network("LlamaForCausalLM"), huge)
    shape = [2**20, 4096]
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 2**34]}
    zoo.write_header(huge / "model.safetensors", {"a": tensor})
    os.truncate(huge / "model.safetensors", 2**34 + (huge / "model.safetensors").stat().st_size)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        findings = verdict(iota, huge)["findings"]
        times.append(time.perf_counter() - started)
    assert [finding["code"] for finding in findings] == ["parameters"]
    assert min(times) < 2


def test_wrong_input_is_one_line_and_exit_code_2(iota: Iota, honest: Path, tmp_path: Path) -> None:
    wrong = [
        iota("inspect", tmp_path / "none"),
        iota("inspect", honest, "--known", tmp_path),
        iota("inspect", honest, "--memory", "much"),
        iota("inspect", honest, "--competition", "tiny/none"),
        iota("inspect", honest, "--competition", "none"),
        iota("score", honest, "--text", tmp_path / "none"),
    ]
    for answer in wrong:
        assert answer.returncode == 2
        assert answer.stderr.startswith("error: ")
        assert answer.stderr.count("\n") == 1


def test_the_real_is_inspected_and_scored(iota: Iota, real: Path, tmp_path: Path) -> None:
    text = tmp_path / "story.txt"
    text.write_text("Once upon a time there was a little girl who had a red ball. " * 40)
    assert verdict(iota, real, "--tokenizer", real)["admitted"]
    answer = iota("score", real, "--tokenizer", real, "--text", text, "--json")
    found = json.loads(answer.stdout)
    ids = torch.from_numpy(load_tokenizer(str(real)).encode([text.read_text()])[0]).long()
    rows = ids[: len(ids) // 128 * 128].view(-1, 128)
    model = transformers.LlamaForCausalLM.from_pretrained(real).eval()
    with torch.inference_mode():
        loss = model(rows, labels=rows).loss.item()
    assert found["sequences"] == len(rows)
    assert found["loss"] == pytest.approx(loss, rel=1e-5)


def test_competitions_that_ship_with_the_package(iota: Iota, honest: Path) -> None:
    answer = iota("inspect", honest, "--competition", "tiny/nano", "--json")
    findings = json.loads(answer.stdout)["findings"]
    assert [finding["code"] for finding in findings] == ["parameters"]
