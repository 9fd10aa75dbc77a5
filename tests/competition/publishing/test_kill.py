"""Real processes, killed at every step of a publication."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", ["folder", "huggingface"])
def test_a_death_at_any_step_costs_nothing_but_time(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.competition.publishing.dying", str(tmp_path), kind]
    own = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    own |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    own |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
