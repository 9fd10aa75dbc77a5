"""Checkpoints: whole, complete, few, and never torn."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from iotapretrain.errors import RunError
from iotapretrain.training import checkpoint
from iotapretrain.training.checkpoint import RunPosition, RunSnapshot

Usage = namedtuple("Usage", "total used free")


def snapshot(step: int, size: int = 100) -> RunSnapshot:
    position = RunPosition(plan="p", step=step, tokens=step * 10, seconds=1.5, best=2.5, lanes=())
    return RunSnapshot(position, {"w": torch.full((size,), float(step))}, {"w:m": torch.ones(size)})


def newest(run: Path, said: list[str] | None = None) -> RunSnapshot | None:
    return checkpoint.newest(run, "p", (said if said is not None else []).append)


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, snapshot(3), keep=2)
    found = newest(tmp_path)
    assert found is not None
    assert (found.position.step, found.position.best) == (3, 2.5)
    assert torch.equal(found.weights["w"], torch.full((100,), 3.0))


def test_old_ones_go_and_a_step_can_be_written_again(tmp_path: Path) -> None:
    for step in (1, 2, 3, 3):
        checkpoint.save(tmp_path, snapshot(step), keep=2)
    names = sorted(each.name for each in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize(
    "file", ["weights.safetensors", "optimiser.safetensors", "position.json", "digest"]
)
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_torn_one_is_passed_over_with_a_word(tmp_path: Path, file: str, damage: str) -> None:
    for step in (1, 2):
        checkpoint.save(tmp_path, snapshot(step), keep=2)
    path, said = tmp_path / "checkpoints" / "step-00000002" / file, list[str]()
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        flipped = content[:-9] + bytes([content[-9] ^ 0x80]) + content[-8:]
        path.write_bytes(content[:-20] if damage == "cut" else flipped)
    found = newest(tmp_path, said)
    assert found is not None
    assert found.position.step == 1
    assert "step-00000002" in said[0]


def test_a_run_without_any_whole_one_does_not_begin_again(tmp_path: Path) -> None:
    """As a run that came from a model would begin at random."""
    assert newest(tmp_path) is None
    checkpoint.save(tmp_path, snapshot(1), keep=2)
    said: list[str] = []
    with pytest.raises(RunError, match="none of its checkpoints is whole"):
        checkpoint.newest(tmp_path, "another", said.append)
    assert "belongs to another plan" in said[0]


def test_what_was_being_written_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / ".step-00000007").mkdir(parents=True)
    checkpoint.save(tmp_path, snapshot(8), keep=2)
    assert [each.name for each in (tmp_path / "checkpoints").iterdir()] == ["step-00000008"]


def test_a_full_disk_is_found_before_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, snapshot(1), keep=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1_000))
    with pytest.raises(RunError, match=r"step-00000002: needs [\d,]+ bytes.*1,000 left"):
        checkpoint.save(tmp_path, snapshot(2), keep=1)
    assert [each.name for each in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]
    assert newest(tmp_path) is not None


FILLING = """
import resource, signal, sys
from pathlib import Path
from iotapretrain.training import checkpoint
from iotapretrain.errors import RunError
from tests.training.test_checkpoint import snapshot

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    checkpoint.save(Path(sys.argv[1]), snapshot(2, 1_000_000), keep=1)
except RunError as error:
    print(error)
"""


def test_a_disk_that_fills_while_writing_costs_only_what_was_new(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow, as it does on a full disk."""
    checkpoint.save(tmp_path, snapshot(1), keep=1)
    done = subprocess.run(
        [sys.executable, "-c", FILLING, tmp_path], capture_output=True, text=True, check=True
    )
    assert "step-00000002: cannot be written" in done.stdout
    assert "--resume" in done.stdout
    assert [each.name for each in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]
    assert newest(tmp_path) is not None
