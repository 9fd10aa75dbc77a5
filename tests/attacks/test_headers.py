"""Headers that cost a validator more than a model: refused by their sizes, or read elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from iotapretrain.models import config, header
from iotapretrain.models.inspect import inspect
from iotapretrain.models.verdict import Code
from iotapretrain.models.worker import Budget, Worker
from tests.models import zoo
from tests.models.zoo import limits

SHARDS, HEADER = 8, 2**22


class Unused(Worker):
    """A worker that nobody may need."""

    def call(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("a worker was asked")


def codes(folder: Path, worker: Worker, **changes: Any) -> list[Code]:
    return [each.code for each in inspect(folder, limits(**changes), worker).verdict.findings]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return zoo.save(zoo.network("LlamaForCausalLM"), tmp_path / "model")


def test_headers_that_are_large_together_are_not_read(model: Path) -> None:
    """Each is within the bound of one file; their sum is not."""
    (model / "model.safetensors").unlink()
    for number in range(SHARDS):
        with (model / f"model-{number}.safetensors").open("wb") as shard:
            shard.write(HEADER.to_bytes(8, "little"))
            shard.truncate(HEADER + 8)
    started = time.monotonic()
    assert codes(model, Unused(Budget()), max_bytes=2**30) == [Code.HEADER]
    assert time.monotonic() - started < 1


def test_more_shards_than_anybody_needs_are_not_opened(model: Path) -> None:
    for number in range(129):
        (model / f"model-{number}.safetensors").write_bytes(bytes(9))
    assert codes(model, Unused(Budget())) == [Code.INDEX]


def test_nothing_of_a_stranger_is_parsed_in_the_caller(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(_text: object) -> NoReturn:
        raise AssertionError("parsed in the caller")

    monkeypatch.setattr(config, "parse_json", parsed)
    monkeypatch.setattr(header, "parse_json", parsed)
    with Worker(Budget(seconds=60, memory_bytes=2**30)) as worker:
        assert codes(model, worker) == []
