"""A small model with a tokenizer of its own, and files to measure it by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken
from tokenizers.processors import TemplateProcessing

from iotapretrain.benchmark.opened_model import Opened, open_subject
from iotapretrain.benchmark.subject import identified
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import END_TOKEN, load_tokenizer, save_tokenizer
from iotapretrain.models.worker import Budget, Worker
from tests.models import zoo

START = "<start>"
SHARED = Path(__file__).parents[3] / "shared" / "data"

torch.set_num_threads(1)


def save_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def nothing(done: int, of: int) -> None:
    """Progress that nobody follows."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama over bytes whose tokenizer puts a start token before every text."""
    made = zoo.save(zoo.network("LlamaForCausalLM"), tmp_path_factory.mktemp("benchmark") / "model")
    backend = load_tokenizer("bytes").backend
    backend.add_special_tokens([AddedToken(START, special=True)])
    number = backend.token_to_id(START)
    backend.post_processor = TemplateProcessing(f"{START} $0", special_tokens=[(START, number)])
    save_tokenizer(backend, made)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": START}
    settings["eos_token"] = END_TOKEN
    (made / "tokenizer_config.json").write_text(json.dumps(settings))
    return made


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    with Worker(Budget(seconds=60.0)) as started:
        yield started


@pytest.fixture(scope="session")
def opened(folder: Path, worker: Worker) -> Iterator[Opened]:
    with identified("model", folder, None) as subject:
        yield open_subject(subject, worker, "cpu")


@pytest.fixture
def cache(tmp_path: Path) -> PageCache:
    return PageCache(tmp_path / "cache")


@pytest.fixture
def prose(tmp_path: Path) -> Path:
    path = tmp_path / "prose.txt"
    path.write_text("Pages are drawn by a seed that nobody knows. <start> Grüße!\n" * 40)
    return path


@pytest.fixture(scope="session")
def stories() -> Path:
    """A small model that others trained, with the texts and rows beside it."""
    path = SHARED / "stories260K" / "hf"
    if not path.is_dir():
        pytest.skip("no ../shared/data/stories260K/hf")
    return path
