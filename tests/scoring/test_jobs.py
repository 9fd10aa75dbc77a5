"""Whose fault it is when there is no answer: the model's, or this machine's. Real processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from iotapretrain.errors import WorkerError
from iotapretrain.models.verdict import Code
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.scoring import jobs
from iotapretrain.scoring.jobs import Answer, Failure, Job, Scored, perform
from iotapretrain.scoring.local_pool import LocalPool
from tests.competition.evaluation import bad_tasks
from tests.models import zoo
from tests.models.test_worker import children

BUDGET = Budget(seconds=60, memory_bytes=2**29)
HASTY = Budget(seconds=1, memory_bytes=2**29)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(BUDGET, bad_tasks.__name__) as started:
        yield started


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path_factory.mktemp("model"))
    return Job(0, folder, zoo.limits(), [[[1, 2]]] * 3, [None] * 3, seed=bad_tasks.HONEST)


def failure(job: Job, worker: Worker) -> Failure:
    """The verdict; and the next model is scored as if nothing had happened."""
    worker.budget = HASTY if job.seed == bad_tasks.HANG else BUDGET
    before = worker.budget
    result = perform(job, worker).result
    assert isinstance(result, Failure)
    assert worker.budget == before
    worker.budget = BUDGET
    if job.folder.exists():
        assert perform(replace(job, seed=bad_tasks.HONEST), worker).result == Scored((2.5,) * 3)
    return result


def test_an_honest_model(honest: Job, worker: Worker) -> None:
    assert perform(honest, worker).result == Scored((2.5,) * 3)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (bad_tasks.HANG, "more than 1 seconds"),
        (bad_tasks.DIE, "ended with code 3"),
        (bad_tasks.NONSENSE, "the worker's answer"),
        (bad_tasks.FEWER, "2 losses for 3 pages"),
    ],
)
def test_what_a_model_is_blamed_for(honest: Job, worker: Worker, how: int, said: str) -> None:
    found = failure(replace(honest, seed=how), worker)
    assert found.outcome is Outcome.MODEL
    assert found.finding.code is Code.MISBEHAVED
    assert said in found.finding.sentence


def test_memory_that_is_short_is_the_machines(honest: Job, worker: Worker) -> None:
    found = failure(replace(honest, seed=bad_tasks.EAT), worker)
    assert found.outcome is Outcome.INFRASTRUCTURE
    assert "MemoryError" in found.finding.sentence


def test_a_slow_machine_blames_itself(
    honest: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference takes long too: the model got more time, and is not blamed in the end."""
    monkeypatch.setattr(jobs, "REFERENCE_SECONDS", 1e-6)
    monkeypatch.setattr(jobs, "MOST_PATIENCE", 2.0)
    started = time.monotonic()
    found = failure(replace(honest, seed=bad_tasks.HANG), worker)
    assert found.outcome is Outcome.INFRASTRUCTURE
    assert "slower than it may be" in found.finding.sentence
    assert time.monotonic() - started > 3


def test_a_machine_that_is_a_little_slow_gives_more_time_and_then_judges(
    honest: Job, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "REFERENCE_SECONDS", 0.01 / 1.5)
    found = failure(replace(honest, seed=bad_tasks.HANG), worker)
    assert found.outcome is Outcome.MODEL
    assert "more than 1.5 seconds" in found.finding.sentence


def test_a_worker_that_the_system_kills(honest: Job, worker: Worker) -> None:
    worker.start()
    process = worker._process
    assert process is not None
    timer = threading.Timer(0.1, process.kill)
    timer.start()
    found = failure(replace(honest, seed=bad_tasks.HANG), worker)
    timer.join()
    assert found.outcome is Outcome.INFRASTRUCTURE
    assert "memory is short" in found.finding.sentence


def test_files_that_are_gone(honest: Job, worker: Worker) -> None:
    found = failure(replace(honest, folder=honest.folder / "gone"), worker)
    assert found.outcome is Outcome.INFRASTRUCTURE


def test_a_worker_that_does_not_start(honest: Job) -> None:
    with Worker(BUDGET, "tests.competition.evaluation.no_such_module") as broken:
        found = perform(honest, broken).result
    assert isinstance(found, Failure)
    assert found.outcome is Outcome.INFRASTRUCTURE


def test_a_pool_that_is_closed_at_work(honest: Job) -> None:
    """Nothing that waits is begun, and no process is left."""
    before = children()
    pool = LocalPool(1, Budget(seconds=60, memory_bytes=2**29), bad_tasks.__name__)
    jobs_given = [replace(honest, seed=bad_tasks.HANG), honest]
    found: list[Answer] = []
    consumer = threading.Thread(target=lambda: found.extend(pool.run(jobs_given)), daemon=True)
    consumer.start()
    while children() == before:
        time.sleep(0.02)
    pool.close()
    consumer.join(10)
    assert [isinstance(each.result, Failure) for each in found] == [True, True]
    assert children() == before
    with pytest.raises(WorkerError, match="closed"):
        next(pool.run([honest]))
