"""Several ranks train as one process does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iotapretrain.cli.workplace import find_competition
from iotapretrain.data.page_cache import PageCache
from iotapretrain.training.planning import TrainingSite, make_plan
from iotapretrain.training.recipe import read_recipe
from tests.training.small import FILE, losses, run_in

MAIN = "from iotapretrain.cli.main import main; main()"
RECIPE = """
competition = "{file}:small"
size = 25_000
steps = {steps}
[optimiser]
name = "{optimiser}"
learning_rate = 3e-3
[run]
batch = 16
at_once = 4
evaluate_steps = 25
"""


@pytest.mark.parametrize(
    ("optimiser", "steps", "tolerance"), [("adamw", 50, 1e-4), ("muon", 8, 2e-3)]
)
def test_two_ranks_lose_what_one_does(
    tmp_path: Path, cache: PageCache, optimiser: str, steps: int, tolerance: float
) -> None:
    """Muon orthogonalises in bfloat16, which the order of sums moves more than float32."""
    file = tmp_path / "small.toml"
    file.write_text(FILE)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(file=file, optimiser=optimiser, steps=steps))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node", "2", "--no-python", sys.executable, "-c", MAIN]
    done = subprocess.run(
        [*torchrun, "train", recipe, "--out", tmp_path / "two"],
        env=os.environ | {"OMP_NUM_THREADS": "1", "IOTA_CACHE": str(cache.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked, competition = read_recipe(recipe), find_competition(f"{file}:small")
    run_in(tmp_path / "one", make_plan(asked, competition, TrainingSite(cache)), cache)
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert sorted(two) == [*range(1, steps + 1)]
    for step, (loss,) in one.items():
        assert min(two[step]) == pytest.approx(loss, abs=tolerance), step
