"""`kill -9` at any moment costs nothing that a checkpoint held: real processes, to the bit."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from safetensors.torch import load_file

from iotapretrain.data.page_cache import PageCache
from tests.training.small import losses, plan, run_in, sit

STEPS = 60
KILLS = 10


def wait_for_lines(path: Path, more: int, alive: Callable[[], bool]) -> None:
    """Until so many more records are there."""

    def lines() -> int:
        return path.read_bytes().count(b"\n") if path.exists() else 0

    wanted = lines() + more
    while lines() < wanted and alive():
        time.sleep(0.001)


def test_ten_kills_change_no_loss(tmp_path: Path, cache: PageCache) -> None:
    """Every step ends in a checkpoint, so that many kills fall into the writing of one."""
    made = plan(cache, steps=STEPS, optimiser={"name": "adamw"})
    run_in(tmp_path / "whole", made, cache)
    killed = tmp_path / "killed"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.small"])
    rng, kills = random.Random(6), 0
    while kills < KILLS:
        arguments = (str(killed), msgspec.json.encode(made), str(cache.folder))
        process = context.Process(target=sit, args=arguments)
        process.start()
        wait_for_lines(killed / "records.jsonl", rng.randrange(1, 9), process.is_alive)
        time.sleep(rng.random() * 0.02)
        assert process.is_alive(), "the run must be longer than all the kills take"
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
    run_in(killed, made, cache)
    assert losses(killed) == losses(tmp_path / "whole")
    weights, wanted = (
        load_file(run / "model" / "model.safetensors") for run in (killed, tmp_path / "whole")
    )
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in weights.items())
