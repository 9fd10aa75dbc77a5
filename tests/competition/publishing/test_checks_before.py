"""What validators would refuse is refused here, in one line, by the inspection that they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from iotapretrain.cli.workplace import find_competition
from iotapretrain.competition.publishing.checks_before import (
    OwnInspection,
    check_admitted,
    local_hash,
)
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.models.admission import inspect
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.worker import Budget, Worker
from tests.models import zoo
from tests.models.conftest import folder, llama

__all__ = ["folder", "llama"]

LIMITS = zoo.limits()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Budget(seconds=60)) as opened:
        yield opened


def spoil(model: Path, how: str) -> None:
    if how == "pickle":
        (model / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    if how == "bytes":
        (model / "notes.json").write_bytes(b" " * LIMITS.constraints.max_bytes)
    if how == "architecture":
        zoo.edit_config(model, architectures=["TransformerXL"])
    if how == "dtype":
        zoo.edit_tensors(model, {"model.norm.weight": torch.ones(32, dtype=torch.float64)})
    if how == "not-finite":
        zoo.edit_tensors(model, {"model.norm.weight": torch.full((32,), float("nan"))})
    if how == "missing-tensor":
        zoo.edit_tensors(model, {"model.norm.weight": None})


@pytest.mark.parametrize(
    "how", ["pickle", "bytes", "architecture", "dtype", "not-finite", "missing-tensor"]
)
def test_a_spoilt_model_is_refused_by_name(folder: Path, worker: Worker, how: str) -> None:
    spoil(folder, how)
    with pytest.raises(InputError, match=f"validators would refuse it: {how}: ") as caught:
        check_admitted(folder, lambda model: inspect(model, LIMITS, worker).verdict.findings)
    assert str(caught.value).startswith(str(folder))
    assert "\n" not in str(caught.value)


def inspection(tmp_path: Path, **limits: Any) -> OwnInspection:
    """What validators would say in a competition for the zoo, on a seed of now."""
    competition = find_competition("tiny/nano")
    constraints = zoo.limits(**limits).constraints
    tokenizer = load_tokenizer("bytes")
    texts = PageCache(tmp_path / "texts")
    return OwnInspection(
        replace(competition, constraints=constraints), tokenizer, texts, "ab" * 32, Budget()
    )


@pytest.mark.parametrize(("bound", "value"), [("min_parameters", 90_000), ("max_parameters", 99)])
def test_a_model_of_another_size_is_refused(
    folder: Path, tmp_path: Path, bound: str, value: int
) -> None:
    with pytest.raises(InputError, match="parameters: "):
        check_admitted(folder, inspection(tmp_path, **{bound: value}))


def test_what_others_cannot_train_on_is_refused_where_the_competition_says_so(
    folder: Path, tmp_path: Path
) -> None:
    weights = load_file(folder / "model.safetensors")
    sabotaged = weights["model.layers.0.mlp.up_proj.weight"] * 1e4
    zoo.edit_tensors(folder, {"model.layers.0.mlp.up_proj.weight": sabotaged})
    check_admitted(folder, inspection(tmp_path, trainable=False))
    with pytest.raises(InputError, match="validators would refuse it: sabotage: "):
        check_admitted(folder, inspection(tmp_path, trainable=True))


def test_an_honest_model_is_admitted_under_the_hash_that_validators_find(
    folder: Path, worker: Worker
) -> None:
    found = inspect(folder, LIMITS, worker)
    check_admitted(folder, lambda _model: found.verdict.findings)
    assert local_hash(folder) == found.digest


def test_many_findings_stay_one_line() -> None:
    findings = tuple(Finding(Code.MISSING_TENSOR, f"{n} is missing", str(n)) for n in range(100))
    with pytest.raises(InputError, match="2 is missing; and 97 more") as caught:
        check_admitted(Path("model"), lambda _model: findings)
    assert len(str(caught.value)) < 300
