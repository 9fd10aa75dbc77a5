"""A forged page moved by 4.9e-4 between processors, so that an honest audit failed."""

from __future__ import annotations

import torch

from iotapretrain.competition.audit.losses import TOLERANCE
from iotapretrain.models.losses import Head, head_losses


def test_the_order_of_summing_moves_no_page_beyond_the_tolerance() -> None:
    """Channels in another order are what another processor's sums are; the forged logit moved by
    all of the wish.
    """
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(400, 256, generator=generator).bfloat16()
    weight = (torch.randn(300, 256, generator=generator) * 0.1).bfloat16()
    labels = torch.randint(300, (400,), generator=generator)
    order = torch.randperm(256, generator=generator)
    there = head_losses(Head(weight, None, None), hidden, labels).double().mean()
    here = head_losses(Head(weight[:, order], None, None), hidden[:, order], labels).double().mean()
    assert 0 < abs(float(here / there - 1)) < TOLERANCE
