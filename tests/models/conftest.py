"""Models on disk, made once; tests that change one work on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from tests.models import zoo

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return zoo.save(zoo.network("LlamaForCausalLM"), tmp_path_factory.mktemp("llama"))


@pytest.fixture
def folder(llama: Path, tmp_path: Path) -> Path:
    """An honest model that the test may spoil."""
    return Path(shutil.copytree(llama, tmp_path / "model"))


@pytest.fixture(scope="session")
def real_model() -> Path:
    """A small model that others trained, if it lies beside the repository."""
    path = Path(__file__).parents[3] / "shared" / "data" / "stories260K" / "hf"
    if not path.is_dir():
        pytest.skip("no ../shared/data/stories260K/hf")
    return path
