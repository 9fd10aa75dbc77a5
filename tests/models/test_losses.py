"""Losses in tiles against the plain formula."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from iotapretrain.conformance.plain_loss import batch_loss
from iotapretrain.errors import InputError
from iotapretrain.models import losses
from iotapretrain.models.losses import OutputHead, head_losses, mean_loss, token_losses
from tests.models import zoo

Network = Callable[[str], transformers.PreTrainedModel]


def plain(model: transformers.PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        logits = model(ids).logits[:, :-1].double()
    return torch.nn.functional.cross_entropy(logits.mT, ids[:, 1:], reduction="none")


def tokens(rows: int = 3, length: int = 80, vocabulary: int = zoo.VOCABULARY) -> torch.Tensor:
    return torch.randint(vocabulary, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small models need several tiles, the last of them not full."""
    monkeypatch.setattr(losses, "TILE_IDS", 128)
    monkeypatch.setattr(losses, "TILE_POSITIONS", 50)
    monkeypatch.setattr(losses, "BODY_TOKENS", 160)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("name", zoo.SHAPES)
def test_every_architecture_in_float32(name: str) -> None:
    model = zoo.network(name)
    ids = tokens()
    found = token_losses(model, ids)
    assert found.shape == (3, 79)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), plain(model, ids), rtol=1e-5, atol=1e-6)
    assert mean_loss(found) == pytest.approx(plain(model, ids).mean().item(), rel=1e-6)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("name", zoo.SHAPES)
def test_every_architecture_in_bfloat16(name: str) -> None:
    """The same logits, rounded once, through the plain formula in float64."""
    model = zoo.network(name).bfloat16()
    ids = tokens(4, 192)
    with torch.inference_mode():
        logits = model(ids).logits[:, :-1].double()
    expected = torch.nn.functional.cross_entropy(logits.mT, ids[:, 1:], reduction="none")
    found = token_losses(model, ids)
    assert mean_loss(found) == pytest.approx(expected.mean().item(), rel=5e-4)


def test_it_agrees_with_the_rule(real_model: Path) -> None:
    """The real model, the rule's own formula in float64, and a plain computation."""
    model = transformers.LlamaForCausalLM.from_pretrained(real_model).eval()
    ids = tokens(4, 256, 512)
    with torch.inference_mode():
        logits = model(ids).logits.numpy()
    mean = mean_loss(token_losses(model, ids))
    assert mean == pytest.approx(batch_loss(ids.numpy(), logits), rel=1e-6)
    bfloat16 = mean_loss(token_losses(model.bfloat16(), ids))
    assert bfloat16 == pytest.approx(mean, rel=5e-3)


@pytest.mark.parametrize("scale", [1e-3, 30.0, 1e4])
def test_losses_of_any_size_are_finite(scale: float) -> None:
    """Above 88 the quick way overflows."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(60, 16, generator=generator) * scale
    weight = torch.randn(2500, 16, generator=generator)
    labels = torch.randint(2500, (60,), generator=generator)
    found = head_losses(OutputHead(weight, None, None), hidden, labels)
    exact = hidden.double() @ weight.double().T
    expected = torch.nn.functional.cross_entropy(exact, labels, reduction="none")
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5 * max(scale, 1))


def test_what_is_no_number_stays_no_number() -> None:
    model = zoo.network("LlamaForCausalLM")
    with torch.no_grad():
        model.model.norm.weight[3] = torch.nan
    assert token_losses(model, tokens()).isnan().all()


def test_one_row_and_all_rows_lose_the_same() -> None:
    model = zoo.network("GPT2LMHeadModel")
    ids = tokens(5, 64)
    one_by_one = torch.cat([token_losses(model, row[None]) for row in ids])
    torch.testing.assert_close(token_losses(model, ids), one_by_one, rtol=1e-5, atol=1e-6)


def test_only_what_counts_is_averaged() -> None:
    found = torch.tensor([[1.0, 2.0], [3.0, 40.0]])
    counted = torch.tensor([[True, True], [True, False]])
    assert mean_loss(found, counted) == 2.0
    assert mean_loss(found) == 11.5


def test_means_are_summed_in_float64() -> None:
    found = torch.full((1, 2**24 + 2**10), 1.0)
    found[0, 0] = 2.0**25
    assert mean_loss(found) == pytest.approx(
        float(found.numpy().astype(np.float64).mean()), rel=1e-15
    )


@pytest.mark.parametrize(
    "ids", [torch.zeros(3, 1), torch.zeros(0, 8), torch.zeros(8), torch.full((1, 8), 300)]
)
def test_ids_that_cannot_be_scored(ids: torch.Tensor) -> None:
    with pytest.raises(InputError, match="ids"):
        token_losses(zoo.network("LlamaForCausalLM"), ids.long())


def test_no_matrix_of_all_logits_is_made() -> None:
    """At most a tile of logits is alive at a time, however large the vocabulary."""
    weight = torch.randn(20_000, 8)
    hidden = torch.randn(500, 8)
    with torch.profiler.profile(profile_memory=True) as profile:
        head_losses(OutputHead(weight, None, None), hidden, torch.zeros(500, dtype=torch.long))
    allocated = [event.self_cpu_memory_usage for event in profile.events()]
    assert sum(size for size in allocated if size > 0) < 500 * 20_000 * 4 / 4
    assert max(allocated) <= losses.TILE_IDS * 500 * 4
