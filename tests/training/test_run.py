"""Runs in this process: what they start from, leave behind, and end by."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors import safe_open

from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError, RunError
from iotapretrain.models.admission import inspect
from iotapretrain.models.header_checks import Limits as Claims
from iotapretrain.models.losses import mean_loss, token_losses
from iotapretrain.models.worker import Worker
from iotapretrain.observe.events import AnyEvent, TrainEvaluated, TrainStarted, TrainStep
from iotapretrain.observe.read_records import read_events
from iotapretrain.observe.sink import NoSink
from iotapretrain.training import run_folder
from iotapretrain.training.reading import held_out
from iotapretrain.training.start import find_start, read_model
from iotapretrain.training.stopping import StopLimits, StopReason
from iotapretrain.training.trainer import train
from tests.training.small import COMPETITION, losses, plan, run_in


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: PageCache) -> Path:
    """A run that went to its end."""
    folder = tmp_path_factory.mktemp("finished")
    assert run_in(folder, plan(cache, steps=30), cache).reason is StopReason.PLAN
    return folder


def test_learns_and_says_so(finished: Path) -> None:
    measured = [e for e in read_events(finished / "records.jsonl") if isinstance(e, TrainEvaluated)]
    assert measured[0].held_out_loss == pytest.approx(math.log(257), abs=0.3)
    assert measured[-1].held_out_loss < 4.2
    assert sorted(losses(finished)) == [*range(1, 31)]


def test_leaves_a_model_that_may_take_part(finished: Path, worker: Worker) -> None:
    inspection = inspect(finished / "model", Claims(COMPETITION.constraints, 257), worker, [])
    assert inspection.verdict.admitted, inspection.verdict.findings


def test_exports_the_best_model_and_says_where_it_comes_from(
    finished: Path, cache: PageCache
) -> None:
    measured = [e for e in read_events(finished / "records.jsonl") if isinstance(e, TrainEvaluated)]
    best = min(measured, key=lambda event: event.held_out_loss)
    with safe_open(finished / "model" / "model.safetensors", "pt") as file:
        facts = file.metadata()
    assert (facts["step"], facts["origin"]) == (str(best.step), "scratch")
    source = json.loads(facts["training_data"])[0]
    assert (source["source"], source["share"]) == ("python-docs", 1.0)
    rows = held_out(plan(cache).data, 0, cache)
    model = read_model(finished / "model")[1]
    assert mean_loss(token_losses(model, rows)) == pytest.approx(best.held_out_loss, abs=1e-5)


def test_anybody_opens_the_model_with_its_tokenizer(finished: Path) -> None:
    folder, text = finished / "model", "def main():\n    ö"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = tokenizer(text, return_tensors="pt").input_ids
    assert ids.tolist() == [ids.tolist() for ids in load_tokenizer("bytes").encode([text])]
    assert tokenizer.decode(ids[0]) == text
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == 256
    assert model.generation_config.bos_token_id is None
    assert model.generate(ids, max_new_tokens=4).shape == (1, ids.shape[1] + 4)


def test_starts_at_the_loss_of_the_model_it_goes_on_from(
    finished: Path, tmp_path: Path, cache: PageCache
) -> None:
    def no_library() -> Any:
        raise AssertionError("a folder needs no hub")

    start = find_start(str(finished / "model"), no_library)
    trained = run_in(
        tmp_path, plan(cache, start, steps=20, optimiser={"learning_rate": 1e-3}), cache,
        start=start.folder,
    )  # fmt: skip
    first = [*read_events(tmp_path / "records.jsonl")]
    before = min(
        e.held_out_loss
        for e in read_events(finished / "records.jsonl")
        if isinstance(e, TrainEvaluated)
    )
    assert isinstance(first[0], TrainStarted)
    assert first[0].origin == str(finished / "model")
    assert isinstance(first[1], TrainEvaluated)
    assert first[1].held_out_loss == pytest.approx(before, abs=1e-5)
    assert trained.held_out_loss < before
    with safe_open(tmp_path / "model" / "model.safetensors", "pt") as file:
        assert file.metadata()["origin"] == "a local model"


def test_goes_on_as_if_nothing_had_happened(tmp_path: Path, cache: PageCache) -> None:
    made = plan(cache, steps=12)
    whole = run_in(tmp_path / "whole", made, cache)
    for limit in (1, 4, 5, 9, None):
        parts = run_in(tmp_path / "parts", made, cache, limits=StopLimits(steps=limit))
        assert parts.step == (limit or 12)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert parts.held_out_loss == whole.held_out_loss


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (StopLimits(steps=3), StopReason.STEPS),
        (StopLimits(seconds=0.0), StopReason.SECONDS),
        (StopLimits(loss=100.0), StopReason.LOSS),
    ],
    ids=["steps", "seconds", "loss"],
)
def test_ends_by_its_limits(
    tmp_path: Path, cache: PageCache, limits: StopLimits, reason: StopReason
) -> None:
    trained = run_in(tmp_path, plan(cache), cache, limits=limits)
    assert trained.reason is reason
    assert trained.step < trained.steps


def test_ctrl_c_ends_with_a_checkpoint(tmp_path: Path, cache: PageCache) -> None:
    made = plan(cache, steps=10_000)
    records = tmp_path / "records.jsonl"

    def press_when_it_runs() -> None:
        while not records.exists() or b"train-step" not in records.read_bytes():
            pass
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press_when_it_runs)
    presser.start()
    trained = run_in(tmp_path, made, cache)
    presser.join()
    assert trained.reason is StopReason.INTERRUPTED
    newest = max((tmp_path / "checkpoints").iterdir(), key=lambda path: path.name)
    assert newest.name == f"step-{trained.step:08d}"


def test_two_cannot_train_in_one_folder(tmp_path: Path, cache: PageCache) -> None:
    with run_folder.held(tmp_path), pytest.raises(RunError, match="another process"):
        run_in(tmp_path, plan(cache), cache)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path, cache: PageCache) -> None:
    made = plan(cache, optimiser={"learning_rate": 1e30, "clip": 1e30})
    with pytest.raises(RunError, match="with a lower"):
        run_in(tmp_path, made, cache)


def test_what_is_no_model_is_no_start(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match="safetensors only"):
        find_start(str(tmp_path), lambda: pytest.fail("no hub is needed"))


@pytest.mark.parametrize(
    "settings",
    [{"recompute": True}, {"at_once": 3}, {"precision": "bfloat16"}],
    ids=["recompute", "accumulated", "bfloat16"],
)
def test_ways_to_compute_the_same(
    tmp_path: Path, cache: PageCache, settings: dict[str, Any]
) -> None:
    run_in(tmp_path / "plain", plan(cache, steps=4, run={"at_once": 16}), cache)
    run_in(tmp_path / "other", plan(cache, steps=4, run={"at_once": 16} | settings), cache)
    plain, other = losses(tmp_path / "plain"), losses(tmp_path / "other")
    tolerance = 0.05 if "precision" in settings else 1e-4
    for step in plain:
        assert min(plain[step]) == pytest.approx(min(other[step]), abs=tolerance)


def test_logits_in_pieces_give_the_same_gradients(
    cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iotapretrain.training import network
    from iotapretrain.training.shape import checked

    made = plan(cache)
    config = checked(made.model)
    rows = torch.randint(257, (4, 32), generator=torch.Generator().manual_seed(0))
    found = []
    for most in (1 << 28, 257 * 20):
        monkeypatch.setattr(network, "LOGITS_AT_ONCE", most)
        whole = network.prepared(network.fresh(config, 0), config, made)
        loss = whole(rows)
        torch.autograd.backward(loss)
        found.append((loss.detach(), [each.grad for each in whole.parameters()]))
    torch.testing.assert_close(found[0], found[1])


def test_a_full_disk_ends_a_run_in_one_line(tmp_path: Path, cache: PageCache) -> None:
    class Full(NoSink):
        def emit(self, event: AnyEvent) -> None:
            if isinstance(event, TrainStep):
                raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="no room left"):
        train(plan(cache), tmp_path, Full(), cache)


def test_a_run_needs_a_folder(tmp_path: Path, cache: PageCache) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="no folder to write to"):
        train(plan(cache), tmp_path / "file" / "run", NoSink(), cache)
