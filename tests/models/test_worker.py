"""Real processes that misbehave: the caller gets a verdict, and the next model is unaffected."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotapretrain.errors import WorkerError
from iotapretrain.models.admission import fingerprint, inspect, score
from iotapretrain.models.copies import Known
from iotapretrain.models.open_files import OpenFile, open_folder
from iotapretrain.models.verdict import Code, Rejection
from iotapretrain.models.worker import Budget, Worker
from tests.models import zoo
from tests.models.zoo import limits

BUDGET = Budget(seconds=60, memory_bytes=2**30)
BAD = "tests.models.bad_tasks"


@pytest.fixture(scope="module")
def bad() -> Iterator[Worker]:
    """A worker that serves bad tasks, and starts anew after each of them."""
    with Worker(BUDGET, BAD) as worker:
        yield worker


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(BUDGET) as worker:
        yield worker


def children() -> set[str]:
    """Processes that this one started and that have not ended."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return found


def misbehaviour(worker: Worker, task: str, **arguments: object) -> str:
    """What the verdict says; and an honest task afterwards, in a process that has all its rights
    taken again.
    """
    with pytest.raises(Rejection) as caught:
        worker.call(task, (), arguments)
    assert caught.value.finding.code == Code.MISBEHAVED
    answer = worker.call("honest", (), {"words": ["hello"]})
    assert answer["words"] == ["hello"]
    return caught.value.finding.sentence


def test_all_protections_are_active_here(bad: Worker) -> None:
    """On the machines where these tests run; elsewhere the list says what is missing."""
    bad.start()
    assert len(bad.protections) == 9


def test_one_process_serves_many_models(bad: Worker, llama: Path) -> None:
    with open_folder(llama) as opened:
        first = bad.call("honest", opened.files, {"words": []})
        started = time.monotonic()
        assert bad.call("honest", opened.files, {"words": []}) == first
        assert time.monotonic() - started < 1
        assert first["sizes"] == {file.path: file.size for file in opened.files}


@pytest.mark.parametrize("task", ["hang", "hang_deaf"])
def test_a_model_that_hangs(task: str) -> None:
    with Worker(Budget(seconds=1.5, memory_bytes=2**30), BAD) as worker:
        worker.start()
        started = time.monotonic()
        assert "more than 1.5 seconds" in misbehaviour(worker, task)
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("task", ["allocate", "allocate_arrays"])
def test_a_model_that_allocates_without_end(bad: Worker, task: str) -> None:
    said = misbehaviour(bad, task)
    assert "MemoryError" in said or "allocate" in said


@pytest.mark.parametrize("task", ["fork", "fork_in_libc", "run_program"])
def test_a_model_that_starts_a_process(bad: Worker, task: str) -> None:
    bad.start()
    before = children()
    assert "start a process" in misbehaviour(bad, task)
    assert len(children()) == len(before)


@pytest.mark.parametrize("task", ["connect", "fetch"])
def test_a_model_that_reaches_for_the_network(bad: Worker, task: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        assert "network" in misbehaviour(bad, task, port=server.getsockname()[1])
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_model_that_reads_the_home_directory(bad: Worker, tmp_path: Path) -> None:
    secret = tmp_path / "wallet"
    secret.write_text("mnemonic")
    absent = "No such file or directory"
    assert absent in misbehaviour(bad, "read", path=str(secret))
    assert absent in misbehaviour(bad, "list_folder", path=str(tmp_path))
    assert absent in misbehaviour(bad, "read", path=f"/proc/{os.getpid()}/environ")


def test_a_model_that_writes_or_removes_files(bad: Worker, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("ours")
    misbehaviour(bad, "write", path=str(kept))
    misbehaviour(bad, "write", path=str(tmp_path / "new"))
    misbehaviour(bad, "remove", path=str(kept))
    assert kept.read_text() == "ours"
    assert not (tmp_path / "new").exists()


def test_a_model_that_kills_others(bad: Worker) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        misbehaviour(bad, "kill", pid=other.pid)
        assert other.poll() is None
        other.communicate(b"\n")


def test_nothing_of_our_environment_reaches_it(
    bad: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    with Worker(BUDGET, BAD) as worker:
        assert "secret" not in worker.call("environment", (), {}).values()


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("die", "ended with code 3"),
        ("crash", "SIGSEGV"),
        ("hang_up", "hung up"),
        ("talk_without_end", "ended with code 1"),
        ("answer_nonsense", "no message"),
        ("claim_a_huge_answer", "no message"),
        ("no_such_task", "AttributeError"),
    ],
)
def test_other_ways_to_fail(bad: Worker, task: str, said: str) -> None:
    assert said in misbehaviour(bad, task)


def test_files_that_a_worker_sends_are_not_taken() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with Worker(BUDGET, BAD) as worker:
        assert worker.call("send_files", (), {}) == 1
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_worker_that_cannot_start_is_not_the_models_fault() -> None:
    with Worker(BUDGET, "tests.models.no_such_module") as worker:
        with pytest.raises(WorkerError, match="no_such_module"):
            worker.call("honest", (), {})
        assert worker.protections == ()


def test_no_process_is_left(llama: Path) -> None:
    before = children()
    with Worker(BUDGET, BAD) as worker:
        worker.start()
        assert len(children()) == len(before) + 1
    assert children() == before


def test_it_dies_with_its_caller() -> None:
    """Also when the caller is killed and can tidy nothing."""
    code = (
        "import os, time; from iotapretrain.models.worker import *;"
        f"w = Worker(Budget(60, 2**30), {BAD!r}); w.start();"
        "print(w._process.pid, flush=True); w.call('hang', (), {})"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment
    ) as caller:
        assert caller.stdout is not None
        pid = int(caller.stdout.readline())
        caller.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_a_file_that_is_swapped_while_open(worker: Worker, folder: Path) -> None:
    with open_folder(folder) as opened:
        weights = folder / "model.safetensors"
        (folder / "other").write_bytes(weights.read_bytes())
        (folder / "other").rename(weights)
        assert [each.item for each in opened.changes()] == ["model.safetensors"]


def test_a_file_that_is_changed_in_place_while_the_worker_reads(
    worker: Worker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is about the bytes that were read, or it is that they did not hold still."""
    call = worker.call

    def swapping(task: str, files: tuple[OpenFile, ...], *given: dict[str, object]) -> object:
        thread = threading.Thread(target=(folder / "config.json").touch)
        thread.start()
        answer = call(task, files, *given)
        thread.join()
        return answer

    monkeypatch.setattr(worker, "call", swapping)
    verdict = inspect(folder, limits(), worker).verdict
    assert [(each.code, each.item) for each in verdict.findings] == [
        (Code.MISBEHAVED, "config.json")
    ]


def test_a_file_that_is_cut_off_while_open(worker: Worker, folder: Path) -> None:
    with open_folder(folder) as opened:
        os.truncate(folder / "model.safetensors", 9000)
        arguments = {"limits": limits(), "all_bytes": opened.all_bytes, "salt": 0}
        with pytest.raises(Rejection):
            worker.call("examine", opened.files, arguments)


def test_an_honest_model_is_inspected_and_scored(worker: Worker, llama: Path) -> None:
    found = inspect(llama, limits(), worker)
    assert found.verdict.admitted
    assert found.fingerprint is not None
    assert found.facts is not None
    assert found.facts.tensors == len(found.fingerprint)
    rows = [[number % 257 for number in range(start, start + 128)] for start in (0, 99)]
    loss = score(llama, limits(), worker, rows)
    assert loss.verdict.admitted
    assert 3 < loss.mean < 12


def test_copies_are_found_through_the_worker(worker: Worker, llama: Path, folder: Path) -> None:
    known = fingerprint(llama, limits(), worker)
    codes = [each.code for each in inspect(folder, limits(), worker, [known]).verdict.findings]
    assert codes == [Code.COPY]
    zoo.edit_config(folder, _name_or_path="mine")
    codes = [each.code for each in inspect(folder, limits(), worker, [known]).verdict.findings]
    assert codes == [Code.NEAR_COPY]
    other = Known("other", "", {})
    assert inspect(folder, limits(), worker, [other]).verdict.admitted


def test_a_loss_that_is_no_number_is_infinite(worker: Worker, folder: Path) -> None:
    import torch

    zoo.edit_tensors(folder, {"model.norm.weight": torch.full((32,), 3e38)})
    loss = score(folder, limits(), worker, [[1] * 128] * 2)
    assert loss.verdict.admitted
    assert loss.mean == float("inf")


@pytest.mark.parametrize("losses", [[], [1.0, 2.0], ["less"], None])
def test_an_answer_that_is_no_loss_is_the_models_doing(
    worker: Worker, llama: Path, monkeypatch: pytest.MonkeyPatch, losses: object
) -> None:
    monkeypatch.setattr(worker, "call", lambda *_: {"losses": losses})
    (finding,) = score(llama, limits(), worker, [[1] * 128]).verdict.findings
    assert (finding.code, finding.item) == (Code.MISBEHAVED, "answer")
