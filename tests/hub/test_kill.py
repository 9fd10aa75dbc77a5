"""Real processes: killed while they fetch, and several at once under one budget."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, RepositoryId
from tests.hub.conftest import hf_world
from tests.hub.faults import Faults
from tests.hub.fetching import check
from tests.hub.hf_server import HfServer
from tests.hub.worlds import ALICES, World, write_model

ROOT = Path(__file__).parents[2]
WEIGHTS = "model.safetensors"
MIB = 1 << 20


def start(
    address: str, environment: dict[str, str], *arguments: str | Path
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.hub.fetching", address, *map(str, arguments)]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def held_bytes(cache: Path) -> int:
    """Bytes on the disk, each file once, however many names it has at this moment."""
    seen: dict[int, int] = {}
    for folder in ("partial", "blobs"):
        for entry in os.scandir(cache / folder):
            try:
                status = os.stat(entry.path)
            except FileNotFoundError:
                continue
            seen[status.st_ino] = status.st_size
    return sum(seen.values())


def kill_and_look(world: World, commit: Commit, cache: ModelCache, at: int) -> bool:
    """Kill a fetch once so many bytes are here; what is there then must be sound. Was it whole?"""
    process = start(world.address, world.environment, cache.root, "-", str(commit))
    while process.poll() is None and held_bytes(cache.root) < at:
        time.sleep(0.0005)
    process.kill()
    process.communicate()
    model = cache.find(commit)
    if model is not None:
        check(model)
    return model is not None


def kill_again_and_again(world: World, commit: Commit, cache: ModelCache, total: int) -> int:
    """Kill fetches at random moments, the last while they put the model in; then let one end."""
    rng, here, killed = random.Random(total), 0, 0
    moments = sorted(rng.randrange(total) for _ in range(5))
    for at in (*moments, total, total):
        killed += not kill_and_look(world, commit, cache, at)
        now = held_bytes(cache.root)
        assert now >= here, "a fetch lost what an earlier one had brought"
        here = now
    process = start(world.address, world.environment, cache.root, "-", str(commit))
    assert process.communicate(timeout=60)[0] == f"{commit}\n"
    return killed


def test_a_fetch_over_http_that_is_killed_is_never_whole_and_goes_on(
    hf_server: HfServer, tmp_path: Path
) -> None:
    world = hf_world(hf_server, "huggingface, lfs")
    folder = ModelFolder.scan(write_model(tmp_path / "model", size=3 * MIB))
    commit = world.hub_as("alice").publish(folder, ALICES, "large")
    world.faults.reading(WEIGHTS).drips(0.01, piece=1 << 16).always()
    cache = ModelCache(tmp_path / "cache")
    killed = kill_again_and_again(world, commit, cache, 3 * MIB)
    assert killed >= 3
    # What lay in a socket's buffers when the process died was sent in vain.
    assert world.faults.sent[WEIGHTS] <= 3 * MIB + killed * MIB


def test_a_fetch_from_a_folder_that_is_killed_is_never_whole_and_goes_on(tmp_path: Path) -> None:
    root, faults = tmp_path / "hub", Faults()
    source = write_model(tmp_path / "model", size=24 * MIB)
    for shard in range(3):
        write_model(source / str(shard), seed=shard + 10, size=8 * MIB)
    commit = FolderHub(root, "alice").publish(ModelFolder.scan(source), ALICES, "large")
    world = World("folder", f"folder:{root}", lambda owner: FolderHub(root, owner), faults)
    cache = ModelCache(tmp_path / "cache", grace=0.0)
    assert kill_again_and_again(world, commit, cache, 48 * MIB) >= 3
    cache.clean()
    assert not list((cache.root / "tmp").iterdir())
    assert not list((cache.root / "reserved").iterdir())


def test_a_death_at_any_step_on_the_disk_leaves_nothing_half(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.hub.dying", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fetches, publications = map(int, done.stdout.split())
    assert fetches > 30
    assert publications > 20


def test_parallel_fetches_keep_the_budget(hf_server: HfServer, tmp_path: Path) -> None:
    world, size = hf_world(hf_server, "huggingface, lfs"), MIB
    hub = world.hub_as("alice")
    commits = [
        hub.publish(
            ModelFolder.scan(write_model(tmp_path / f"model-{n}", seed=n, size=size)),
            RepositoryId("alice", f"model-{n}"),
            "a model",
        )
        for n in range(5)
    ]
    world.faults.reading(WEIGHTS).drips(0.01, piece=1 << 16).always()
    cache, budget = tmp_path / "cache", int(2.5 * size)
    ModelCache(cache)
    most = 0
    with ExitStack() as stack:
        running = [
            start(world.address, world.environment, cache, str(budget), *map(str, commits))
            for _ in range(3)
        ]
        for process in running:
            stack.callback(process.kill)
        while any(process.poll() is None for process in running):
            most = max(most, held_bytes(cache))
            time.sleep(0.002)
        for process in running:
            held = process.communicate()[0].splitlines()
            assert process.returncode == 0
            assert sorted(held) == sorted(map(str, commits))
    assert 2 * size < most <= budget
