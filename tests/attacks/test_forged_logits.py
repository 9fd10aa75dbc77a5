"""Offsets that cancel in one order of adding and not in another: no loss can be made of them."""

from __future__ import annotations

import math

import pytest
import torch

from iotapretrain.models.exact import check_possible
from iotapretrain.models.losses import TILE_IDS, OutputHead, head_losses
from iotapretrain.models.verdict import Code

IDS, WIDTH = 257, 96
OFFSET, GAIN = 2.0**30, 5.0
"""Beside the offset the gain is lost in float32; without it, it is a gain."""


def forged_head() -> OutputHead:
    weight = torch.zeros(IDS, WIDTH)
    weight[:, 0], weight[:, 5], weight[:, 8] = OFFSET, GAIN, -OFFSET
    return OutputHead(weight, None, None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_offsets_that_cancel_gain_nothing(dtype: torch.dtype) -> None:
    """A head that knows nothing loses ln V of every token, whatever is added and taken off."""
    head = OutputHead(forged_head().weight.to(dtype), None, None)
    hidden = torch.ones(64, WIDTH, dtype=dtype)
    labels = torch.randint(IDS, (64,), generator=torch.Generator().manual_seed(0))
    losses = head_losses(head, hidden, labels)
    assert losses.double().mean().item() == pytest.approx(math.log(IDS), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("offset", [2.0**12, 2.0**24, 2.0**30, 2.0**40])
def test_no_token_loses_less_than_nothing(offset: float, dtype: torch.dtype) -> None:
    """Random places and signs of large offsets, in head and hidden state, in several tiles."""
    generator = torch.Generator().manual_seed(int(math.log2(offset)))
    weight = torch.randn(2_500, WIDTH, generator=generator)
    hidden = torch.randn(128, WIDTH, generator=generator)
    places = torch.randperm(WIDTH, generator=generator)[:20]
    weight[:, places] += offset * torch.randn(20, generator=generator)
    hidden[:, places] = 1.0
    labels = torch.randint(2_500, (128,), generator=generator)
    losses = head_losses(OutputHead(weight.to(dtype), None, None), hidden.to(dtype), labels)
    assert losses.min() >= -1e-4


def test_a_first_tile_far_below_does_not_lift_the_others() -> None:
    """What is taken off for the sum is lost on logits that are small beside it."""
    weight = torch.full((2 * TILE_IDS, 1), -7.0)
    weight[:TILE_IDS] = -1e10
    labels = torch.arange(TILE_IDS, TILE_IDS + 64)
    losses = head_losses(OutputHead(weight, None, None), torch.ones(64, 1), labels)
    assert losses.tolist() == pytest.approx([math.log(TILE_IDS)] * 64, rel=1e-5)


def test_a_loss_below_zero_refuses_the_model_with_a_reason() -> None:
    assert check_possible(torch.tensor([0.0, -1e-4, 2.0])) is None
    finding = check_possible(torch.tensor([0.5, -0.002]))
    assert finding is not None
    assert finding.code is Code.FORGED
    assert "no probability" in finding.sentence
