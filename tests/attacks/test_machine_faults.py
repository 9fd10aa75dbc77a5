"""What the machine lacks is never a model's fault: not final, and not told in public."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iotapretrain.competition.evaluation.contender import Contender, Judged
from iotapretrain.competition.records.round_record import unscored
from iotapretrain.competition.validator.build_record import published
from iotapretrain.models.admission import inspect
from iotapretrain.models.worker import Budget, Worker, allowance, needed_bytes
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.scoring.jobs import Failure, Job, perform
from tests.attacks import memory_tasks
from tests.models import zoo

SMALL = Budget(seconds=60, memory_bytes=2**30)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(SMALL, memory_tasks.__name__) as started:
        yield started


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path_factory.mktemp("model"))
    return Job(0, folder, zoo.limits(), [[[1, 2]]], [None])


def test_a_network_of_3_2b_is_built_without_memory_for_weights(worker: Worker) -> None:
    assert worker.call("weights_of", (), {}) == 3_606_752_256  # with the head that files leave out


@pytest.mark.parametrize("how", range(5), ids=["build", "forward", "descriptors", "eio", "killed"])
def test_no_place_blames_the_model(job: Job, worker: Worker, how: int) -> None:
    worker.start()
    assert worker._process is not None
    killing = threading.Timer(0.5, worker._process.kill)
    if how == memory_tasks.KILLED:
        killing.start()
    result = perform(replace(job, seed=how), worker).result
    assert isinstance(result, Failure)
    assert result.outcome is Outcome.INFRASTRUCTURE
    contender = Contender("hotkey", 0, 1, "", "digest", folder=job.folder)
    judged = Judged(unscored(contender, result.outcome), (result.finding,))
    (reason,) = published(judged).record.reasons
    assert reason.code == "not-scored"


def test_a_model_that_does_not_fit_into_the_budget_waits(tmp_path: Path) -> None:
    """In the real tasks: 128 MiB of weights in a worker that has 64 MiB."""
    network = zoo.network("LlamaForCausalLM", hidden_size=1024, intermediate_size=2048)
    folder = zoo.save(network, tmp_path)
    limits = zoo.limits(max_bytes=2**30, max_parameters=10**9)
    with Worker(Budget(60, 2**26)) as short:
        found = perform(Job(0, folder, limits, [[[1, 2]]], [None]), short).result
    assert isinstance(found, Failure)
    assert found.outcome is Outcome.INFRASTRUCTURE


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EIO])
def test_files_that_cannot_be_opened_here(
    job: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    worker.start()

    def failing(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("iotapretrain.models.open_files.os.open", failing)
    with pytest.raises(OSError, match=os.strerror(code)):
        inspect(job.folder, job.limits, worker)
    found = perform(job, worker).result
    assert isinstance(found, Failure)
    assert found.outcome is Outcome.INFRASTRUCTURE


def test_the_budget_follows_the_competition_and_the_machine() -> None:
    large = zoo.limits(max_bytes=29 * 2**30, dtype="bfloat16").constraints
    assert allowance(Budget(), [large]).memory_bytes == Budget().memory_bytes + 29 * 2**30
    assert allowance(Budget(), [large], 2**34).memory_bytes == 2**34
    assert needed_bytes(zoo.limits().constraints) == 2 * 10**6
