"""Real models in real workers: here, on a Ray cluster, and as the plain formula has them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.conformance.plain_loss import batch_loss, counted_labels
from iotapretrain.data.outcome import RoundText
from iotapretrain.errors import InputError
from iotapretrain.models.verdict import Code
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.scoring.jobs import Failure, Job, perform
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache
from tests.competition.evaluation.rounds import models, terms, text
from tests.models import zoo

BUDGET = Budget(seconds=60, memory_bytes=2**30)
TERMS = terms(8)


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalPool]:
    with LocalPool(2, BUDGET) as opened:
        yield opened


def test_losses_are_those_of_the_formula(pool: LocalPool, tmp_path: Path) -> None:
    """Packed and padded pages, by the reference in float64."""
    (model,) = models(tmp_path, 1)
    packed = text(TERMS).batches["PROSE"]
    counted = np.arange(128) < np.array([[128], [70]])
    padded = replace(packed.pages[1], counted=counted)
    given = RoundText({"PROSE": replace(packed, pages=(packed.pages[0], padded))}, ())
    with LossCache(tmp_path / "losses.db") as cache:
        judged = evaluate([model], given, TERMS, pool, cache).models[0]
    network = transformers.AutoModelForCausalLM.from_pretrained(model.folder)
    expected = []
    for page in (packed.pages[0], padded):
        with torch.inference_mode():
            logits = network(torch.from_numpy(page.sequences).long()).logits.numpy()
        mask = np.ones((2, 127), bool) if page.counted is None else page.counted[:, 1:]
        rows = zip(page.sequences, logits, mask, strict=True)
        each = [batch_loss(ids[None], logit[None], row[None]) for ids, logit, row in rows]
        expected.append(sum(each) / 2)
    assert judged.record.losses["PROSE"] == pytest.approx(expected, rel=1e-5)
    assert counted_labels(packed.pages[0].sequences, 256).shape == mask.shape


def test_files_that_make_no_model(worker: Worker, tmp_path: Path) -> None:
    """Bytes that nobody could load are the model's own, once and for all."""
    folder = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path)
    zoo.edit_tensors(folder, {"model.norm.weight": None})
    found = perform(Job(0, folder, zoo.limits(), [[[1, 2]]], [None]), worker).result
    assert isinstance(found, Failure)
    assert (found.outcome, found.finding.code) == (Outcome.INADMISSIBLE, Code.MISSING_TENSOR)


def test_a_model_full_of_nans_and_a_sabotaged_one(pool: LocalPool, tmp_path: Path) -> None:
    honest, broken, scaled = models(tmp_path, 3)
    zoo.edit_tensors(broken.folder, {"model.norm.weight": torch.full((32,), torch.nan)})
    zoo.edit_config(scaled.folder, rms_norm_eps=1e-12)
    with LossCache(tmp_path / "losses.db") as cache:
        found = evaluate([honest, broken, scaled], text(TERMS), TERMS, pool, cache, probe=True)
    assert [each.record.outcome for each in found.models] == [
        Outcome.EVALUATED,
        Outcome.MODEL,
        Outcome.MODEL,
    ]
    assert found.models[2].findings[0].code is Code.SABOTAGE


COMPARE = """
import sys
from pathlib import Path
from iotapretrain.scoring.loss_cache import LossCache
from iotapretrain.scoring.ray_pool import RayPool
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.scoring.local_pool import LocalPool
from tests.competition.evaluation.rounds import models, text
from tests.competition.evaluation.test_scoring import BUDGET, TERMS
folder = Path(sys.argv[1])
field = models(folder, 4)
kinds = {"ray": RayPool("local", 1, BUDGET), "one": LocalPool(1, BUDGET)}
kinds["ray"]._ray.kill(kinds["ray"]._free[0])  # the first job is lost with its seat
found = []
for name, kind in kinds.items():
    with kind as pool, LossCache(folder / f"{name}.db") as cache:
        results = evaluate(field, text(TERMS), TERMS, pool, cache).models
        found.append([(each.record.losses, each.record.score, each.findings) for each in results])
assert found[0] == found[1]
assert found[0][0][1] is not None
print("equal")
"""


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_a_cluster_gives_the_same_to_the_bit(tmp_path: Path) -> None:
    """Also when it loses a machine. In a process of its own, for Ray leaves threads behind."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    said = subprocess.run(
        [sys.executable, "-c", COMPARE, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert said.stdout.splitlines()[-1:] == ["equal"], said.stderr[-2000:]


def test_a_pool_of_nobody() -> None:
    with pytest.raises(InputError, match="workers"):
        LocalPool(0, BUDGET)
