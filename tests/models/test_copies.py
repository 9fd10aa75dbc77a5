"""Copies and near-copies are told from models that were trained on; values are finite or not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from iotapretrain.models.copies import (
    SAME,
    Fingerprint,
    Known,
    examine_values,
    find_copy,
    find_near_copy,
    relative_change,
)
from iotapretrain.models.header_checks import read_claims
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Code, Finding
from tests.models import zoo
from tests.models.zoo import edit_tensors, limits

DOWN = "model.layers.1.mlp.down_proj.weight"
TEXT = Path(torch.__file__).parent / "functional.py"


def examined(folder: Path, salt: int = 0) -> tuple[Fingerprint, list[Finding]]:
    with open_folder(folder) as opened:
        return examine_values(read_claims(opened, limits()).tensors, salt)


def near_copy(folder: Path, original: Path, salt: int = 0) -> Finding | None:
    known = Known("original", "", examined(original, salt)[0])
    return find_near_copy(examined(folder, salt)[0], [known])


def train(model: torch.nn.Module, steps: int, rate: float, seed: int) -> None:
    """AdamW on Python source, byte by byte."""
    ids = torch.frombuffer(bytearray(TEXT.read_bytes()), dtype=torch.uint8).long()
    ids = ids[: len(ids) // 64 * 64].view(-1, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = ids[torch.randint(len(ids), (8,), generator=generator)]
        model(rows, labels=rows).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that learnt something, from usual initial weights."""
    torch.manual_seed(3)
    model_class = type(zoo.network("LlamaForCausalLM"))
    values = zoo.SHAPES["LlamaForCausalLM"] | {"vocab_size": zoo.VOCABULARY} | zoo.NO_TOKENS
    model = model_class(model_class.config_class(**values))
    train(model, 150, 3e-3, seed=0)
    return zoo.save(model, tmp_path_factory.mktemp("trained"))


@pytest.mark.parametrize(("steps", "rate"), [(30, 3e-3), (30, 3e-4), (100, 1e-4)])
def test_a_model_that_was_trained_on_is_no_copy(
    trained: Path, tmp_path: Path, steps: int, rate: float
) -> None:
    model = type(zoo.network("LlamaForCausalLM")).from_pretrained(trained)
    train(model, steps, rate, seed=1)
    assert near_copy(zoo.save(model, tmp_path), trained) is None


@pytest.mark.parametrize("noise", [0.0, 1e-4, 2e-3])
def test_a_copy_with_noise_is_recognised(trained: Path, tmp_path: Path, noise: float) -> None:
    zoo.save(type(zoo.network("LlamaForCausalLM")).from_pretrained(trained), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    generator = torch.Generator().manual_seed(5)
    noisy = {
        name: tensor + torch.randn(tensor.shape, generator=generator) * noise * tensor.std()
        for name, tensor in tensors.items()
        if tensor.ndim > 1
    }
    edit_tensors(tmp_path, noisy)
    found = near_copy(tmp_path, trained, salt=77)
    assert found is not None
    assert (found.code, found.item) == (Code.NEAR_COPY, "original")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_copy_in_another_dtype_is_recognised(
    trained: Path, tmp_path: Path, dtype: torch.dtype
) -> None:
    zoo.save(type(zoo.network("LlamaForCausalLM")).from_pretrained(trained, dtype=dtype), tmp_path)
    assert near_copy(tmp_path, trained) is not None


def test_two_models_of_one_shape_are_no_copies(llama: Path, tmp_path: Path) -> None:
    zoo.save(zoo.network("LlamaForCausalLM", seed=9), tmp_path)
    assert near_copy(tmp_path, llama) is None


@pytest.mark.parametrize("change", [1e-3, 1e-2, 1.0])
def test_the_sketch_tells_the_relative_change(change: float, llama: Path, tmp_path: Path) -> None:
    zoo.save(zoo.network("LlamaForCausalLM"), tmp_path)
    before = load_file(llama / "model.safetensors")[DOWN]
    noise = torch.randn(before.shape, generator=torch.Generator().manual_seed(2))
    edit_tensors(tmp_path, {DOWN: before + noise * (change * before.norm() / noise.norm())})
    estimated = relative_change(examined(tmp_path)[0][DOWN], examined(llama)[0][DOWN])
    assert estimated == pytest.approx(change, rel=0.4)


def test_the_norm_and_digest_are_those_of_the_tensor(llama: Path) -> None:
    tensor = load_file(llama / "model.safetensors")[DOWN]
    found = examined(llama)[0][DOWN]
    assert found.norm == pytest.approx(tensor.double().norm().item(), rel=1e-6)
    assert found.shape == tuple(tensor.shape)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_values_that_are_no_numbers(folder: Path, value: float, dtype: torch.dtype) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    tensors[DOWN][3, 5] = value
    save_file(tensors, folder / "model.safetensors")
    _, findings = examined(folder)
    assert [(each.code, each.item) for each in findings] == [(Code.NOT_FINITE, DOWN)]


def test_chunks_make_no_difference(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = examined(llama)[0]
    monkeypatch.setattr("iotapretrain.models.copies.CHUNK", 512)
    for name, tensor in examined(llama)[0].items():
        assert tensor.digest == whole[name].digest
        assert tensor.norm == pytest.approx(whole[name].norm)
        assert tensor.sketch == pytest.approx(whole[name].sketch, rel=1e-4, abs=1e-5)


def test_the_very_same_files(llama: Path) -> None:
    known = [Known("a", "x", {}), Known("b", "y", {})]
    found = find_copy("y", known)
    assert found is not None
    assert (found.code, found.item) == (Code.COPY, "b")
    assert find_copy("z", known) is None


def test_what_counts_as_the_same_is_less_than_one_step_of_training() -> None:
    """Adam at rate 1e-4 moves weights of size 0.02 by 5e-3 of their size."""
    assert 2.0**-9 < SAME < 5e-3
