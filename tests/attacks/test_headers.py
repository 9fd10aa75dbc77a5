"""Headers that cost a validator more than a model: refused by their sizes, or read elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from iotapretrain.models import config, weight_files
from iotapretrain.models.admission import inspect
from iotapretrain.models.verdict import Code
from iotapretrain.models.worker import Budget, Worker
from tests.models import zoo
from tests.models.zoo import limits

SHARDS, ENTRIES = 8, 70_000
"""33 MB of headers: before, they were parsed for 36 s in the validator itself, in 290 MiB."""


class Unused(Worker):
    """A worker that nobody may need."""

    def call(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("a worker was asked")


def codes(folder: Path, worker: Worker, **changes: Any) -> list[Code]:
    return [each.code for each in inspect(folder, limits(**changes), worker).verdict.findings]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return zoo.save(zoo.network("LlamaForCausalLM"), tmp_path / "model")


def sharded(folder: Path, count: int, entries: int) -> None:
    """Shards of empty tensors instead of weights, and an index that names each of them."""
    (folder / "model.safetensors").unlink()
    places: dict[str, Any] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps({f"@.{number}": places for number in range(entries)}).encode()
    weight_map = {f"{shard:03}.0": f"model-{shard:03}.safetensors" for shard in range(count)}
    for name, path in weight_map.items():
        header = text.replace(b"@", name[:3].encode())
        (folder / path).write_bytes(len(header).to_bytes(8, "little") + header)
    index = json.dumps({"weight_map": weight_map})
    (folder / "model.safetensors.index.json").write_text(index)


def test_headers_that_are_large_together_are_not_read(model: Path) -> None:
    """Each is within the bound of one file; their sum is not."""
    sharded(model, SHARDS, ENTRIES)
    started = time.monotonic()
    assert codes(model, Unused(Budget()), max_bytes=2**30) == [Code.HEADER]
    assert time.monotonic() - started < 2


def test_more_shards_than_anybody_needs_are_not_opened(model: Path) -> None:
    """All of them were read before it was found that they hold nothing."""
    sharded(model, 129, 1)
    assert codes(model, Unused(Budget())) == [Code.INDEX]


def test_nothing_of_a_stranger_is_parsed_in_the_caller(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(_text: object) -> NoReturn:
        raise AssertionError("parsed in the caller")

    monkeypatch.setattr(config, "parse_json", parsed)
    monkeypatch.setattr(weight_files, "parse_json", parsed)
    with Worker(Budget(seconds=60, memory_bytes=2**30)) as worker:
        assert codes(model, worker) == []
