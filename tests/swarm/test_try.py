"""`iota swarm try`: the first command of whoever plans a run; and what it exports."""

from __future__ import annotations

import json
import resource
import tomllib
from pathlib import Path

import msgspec
import pytest
import torch
import transformers
from typer.testing import CliRunner

from iotapretrain.cli.main import app
from iotapretrain.data.page_cache import PageCache, default_folder
from iotapretrain.errors import IotaError
from iotapretrain.models.admission import inspect, score
from iotapretrain.models.stages.staged_model import whole_model
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.swarm.pipeline import Pipeline
from iotapretrain.swarm.run_file import SwarmRun, read_run_file
from iotapretrain.swarm.stage_needs import stage_needs
from iotapretrain.training.reading import held_out
from tests.models import zoo

EXAMPLES = Path(__file__).parents[2] / "examples" / "runs"
SMALL = {
    "name": "small",
    "seed": 1,
    "model": {"width": 32, "blocks": 3, "heads": 2},
    "cut": {"stages": 3},
    "boundary": {"kind": "anchored", "width": 4},
    "data": {"positions": 64, "held_out_rows": 8},
    "step": {"rows": 2, "samples": 2},
}


def small(**changes: dict[str, object]) -> SwarmRun:
    tables = {key: SMALL.get(key, {}) | value for key, value in changes.items()}  # type: ignore[operator]
    return msgspec.convert(SMALL | tables, SwarmRun)


def tried(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["swarm", "try", *words])
    return result.exit_code, result.stdout


def test_the_example_prints_its_table_and_exports_a_model(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    code, said = tried(
        str(EXAMPLES / "tiny.toml"), "--steps", "2", "--export", str(tmp_path / "model"), "--json"
    )
    assert code == 0, said
    report = json.loads(said[said.index("{") :])
    assert report["steps"] == 2
    assert report["held_out_loss"] < report["held_out_loss_before"]
    assert len(report["links"]) == len(report["stages"]) == 3
    samples, positions = 2 * 4, 4 * 128
    forward, backward = 132 + positions * (2 * 8 + 2), 132 + positions * 2 * 8
    sent = [forward, forward + backward, backward]
    assert report["sent_bytes_by_stage"] == [samples * each for each in sent]
    assert report["wire_bytes_per_token"] * positions == forward + backward
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    said = model.generate(tokenizer("def ", return_tensors="pt").input_ids, max_new_tokens=3)
    assert tokenizer.decode(said[0]).startswith("def ")
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    command = ["model", "inspect", str(tmp_path / "model"), "--competition", "tiny/nano"]
    inspected = CliRunner().invoke(app, command)
    assert inspected.exit_code == 0, inspected.output


def test_the_table_is_for_people() -> None:
    code, said = tried(str(EXAMPLES / "tiny.toml"), "--steps", "0")
    assert code == 0
    for column in ("stage", "parameters", "memory", "bytes a token sent", "Mbit/s"):
        assert column in said


@pytest.mark.parametrize("name", ["laptop-1b.toml", "lab-8b.toml"])
def test_a_model_that_does_not_fit_is_planned_and_not_allocated(name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, said = tried(str(EXAMPLES / name), "--steps", "0", "--json")
    assert code == 0
    report = json.loads(said)
    assert report["parameters"] > 10**9
    assert "steps" not in report
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000  # KiB; the weights alone would be 9 GB


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_needs_are_what_a_stage_takes(optimiser: str) -> None:
    run = small(optimiser={"name": optimiser, "learning_rate": 1e-3})
    config = run.config(257)
    pipeline = Pipeline(run, config, PageCache(default_folder()))
    try:
        for needs, stage in zip(stage_needs(run, config), pipeline.stages, strict=True):
            state = stage.trainer.state
            assert needs.parameters == sum(each.numel() for each in state.weights.values())
            assert needs.state_bytes == state.flat.nbytes + 4 * needs.parameters
    finally:
        pipeline.close()


@pytest.mark.parametrize("kind", ["plain", "partial", "residual", "anchored"])
def test_an_exported_model_has_the_runs_own_loss(kind: str, tmp_path: Path) -> None:
    """As a validator's worker computes it: to 1e-4, whatever stands between the stages."""
    torch.set_num_threads(1)
    run = small(boundary={"kind": kind, "width": None if kind == "plain" else 4})
    config, cache = run.config(257), PageCache(default_folder())
    pipeline = Pipeline(run, config, cache)
    try:
        for _ in range(3):
            pipeline.step()
        own = pipeline.held_out_loss()
    finally:
        pipeline.close()
    whole_model(config, pipeline.weights()).save_pretrained(tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    ours = kind != "plain"
    assert document["architectures"] == ["StagedForCausalLM" if ours else "LlamaForCausalLM"]
    rows = held_out(run.text(), run.seed, cache).tolist()
    limits = zoo.limits(max_parameters=10**6, sequence_length=65)
    with Worker(Budget()) as worker:
        assert inspect(tmp_path, limits, worker).verdict.findings == ()
        loss = score(tmp_path, limits, worker, rows)
    assert loss.verdict.findings == ()
    assert loss.mean == pytest.approx(own, abs=1e-4)


def test_two_runs_of_one_file_are_one_run() -> None:
    torch.set_num_threads(1)
    links = []
    for _ in range(2):
        pipeline = Pipeline(small(), small().config(257), PageCache(default_folder()))
        for _ in range(2):
            pipeline.step()
        pipeline.close()
        links.append(pipeline.links)
    assert links[0] == links[1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("surprise = 1", "surprise"),
        ("[model]\nwidth = 32\nblocks = 3\nheads = 0", "model.heads"),
        ("[model]\nwidth = 'x'\nblocks = 3\nheads = 2", "model.width"),
        ("[model]\nwidth = 32\nblocks = 3\nheads = 2\n[cut]\nblocks = [1, 1]", "stage_blocks"),
        ("[model]\nwidth = 32\nblocks = 3\nheads = 2\n[cut]\nstages = 4", "each stage takes"),
        ("[model]\nwidth = 32\nblocks = 3\nheads = 2\n[cut]\nmemory = 1", "more memory"),
        ("[model]\nwidth = 32\nblocks = 3\nheads = 2\n[boundary]\nkind = 'x'", "boundary.kind"),
        (
            "[model]\nwidth = 32\nblocks = 3\nheads = 2\n[boundary]\nkind = 'plain'\nwidth = 4",
            "boundary_width 4",
        ),
        (
            "[model]\nwidth = 32\nblocks = 3\nheads = 2\n[optimiser]\nlearning_rate = 0.0",
            "run.toml: optimiser.learning_rate: 0.0; allowed: a finite number above 0",
        ),
        (
            "[model]\nwidth = 32\nblocks = 3\nheads = 2\nkv_heads = 4",
            "4 heads of keys do not divide",
        ),
        ("[model]\nwidth = 32\nblocks = 3\nheads = 2\nhead_width = 15", "head_dim 15"),
        ("[model", "syntax"),
    ],
)
def test_a_wrong_file_gets_one_line(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'name = "x"\n{line}\n')
    result = CliRunner().invoke(app, ["swarm", "try", str(path), "--steps", "0"])
    problem = str(result.exception) if result.exception else result.output
    assert said in problem
    assert "\n" not in problem.strip()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--device", "abacus", "device 'abacus'"),
        ("--device", "meta:x", "device 'meta:x'"),
        ("--export", "/proc/none", "no folder to write to"),
    ],
)
def test_a_wrong_option_gets_one_line_before_anything_is_trained(
    option: str, value: str, said: str
) -> None:
    words = ["swarm", "try", str(EXAMPLES / "tiny.toml"), "--steps", "1", option, value]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, IotaError)
    assert said in str(result.exception)
    assert "step 1/1" not in result.output


def test_examples_are_files_that_can_be_read() -> None:
    for path in sorted(EXAMPLES.glob("*.toml")):
        run = read_run_file(path)
        assert run.name == path.stem == tomllib.loads(path.read_text())["name"]
