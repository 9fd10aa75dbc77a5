"""Models that trained once for all tests of a process, and a worker to open them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.competition.conftest import worker
from tests.e2e.miners import trained

__all__ = ["worker"]

STEPS = {"miner-1": 20, "miner-2": 32, "miner-3": 56}
"""How long each miner trains: the third becomes the best."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The trained model of each miner."""
    folder = tmp_path_factory.mktemp("training")
    return {name: trained(folder, steps) for name, steps in STEPS.items()}
