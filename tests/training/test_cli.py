"""`iota train` as a process: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iotapretrain.data.page_cache import PageCache
from tests.training.small import FILE

MAIN = "from iotapretrain.cli.main import main; main()"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def iota(tmp_path: Path, cache: PageCache) -> Start:
    """`iota train --competition small …`, as a process."""
    schedule = tmp_path / "small.toml"
    schedule.write_text(FILE)

    def start(*options: object) -> subprocess.Popen[str]:
        line = ["train", "--competition", f"{schedule}:small", *map(str, options)]
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *line],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1", "IOTA_CACHE": str(cache.folder)},
        )

    return start


def test_from_nothing_to_a_model_and_on(iota: Start, tmp_path: Path) -> None:
    first = iota("--size", 25_000, "--tokens", 20_000_000, "--out", "run", "--json")
    records = tmp_path / "run" / "records.jsonl"
    while not records.exists() or records.read_bytes().count(b"train-step") < 3:
        time.sleep(0.02)
        assert first.poll() is None
    first.send_signal(signal.SIGINT)
    output, errors = first.communicate()
    assert first.returncode == 130
    summary = json.loads(output)
    assert (summary["reason"], summary["step"] >= 3) == ("interrupted", True)
    assert summary["resume"] == "iota train --out run --resume"
    assert f"go on: {summary['resume']}" in errors
    picture = tmp_path / "losses.png"
    more = iota("--out", "run", "--resume", "--steps", summary["step"] + 2, "--plot", picture)
    output, errors = more.communicate()
    assert more.returncode == 0, errors
    assert f"goes on at step {summary['step']:,}" in errors
    assert output.startswith("run/model")
    assert picture.read_bytes().startswith(b"\x89PNG")
