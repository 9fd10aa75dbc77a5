"""A page that another order of adding moves fails the audit of an honest validator.

Before, a forged page moved by 4.9e-4 between processors, and here from 0.84 to 5.80 with the order
of its channels; the tolerance was 1e-4, and an honest page moves by 1.4e-4 in bfloat16.
"""

from __future__ import annotations

import pytest
import torch

from iotapretrain.competition.audit.recomputed_losses import TOLERANCE
from iotapretrain.models.exact import check_exact
from iotapretrain.models.losses import OutputHead, head_losses
from iotapretrain.models.verdict import Code
from tests.models import zoo

OFFSET, WISH = 2.0**27, 5.0


@pytest.mark.parametrize("order", [(0, 1, 8), (0, 8, 16), (0, 1, 24), (2, 0, 10)])
def test_what_depends_on_the_order_is_refused_before_anybody_publishes_it(
    order: tuple[int, int, int],
) -> None:
    """Constant channels of the stream, read with offsets that cancel."""
    model = zoo.network("GPTNeoXForCausalLM").requires_grad_(False)
    ids = torch.randint(300, (4, 128), generator=torch.Generator().manual_seed(1))
    norm, places = model.gpt_neox.final_layer_norm, list(order)
    norm.weight[places], norm.bias[places] = 0.0, 1.0
    offsets = torch.tensor([OFFSET, WISH, -OFFSET])
    model.get_output_embeddings().weight[:, places] = offsets
    finding = check_exact(model, ids[:1])
    assert finding is not None
    assert finding.code is Code.FORGED


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_order_of_summing_moves_no_honest_page_beyond_the_tolerance(dtype: str) -> None:
    """Channels in another order are what another processor's sums are."""
    generator = torch.Generator().manual_seed(0)
    kind = getattr(torch, dtype)
    hidden = torch.randn(400, 256, generator=generator).to(kind)
    weight = (torch.randn(300, 256, generator=generator) * 0.1).to(kind)
    labels = torch.randint(300, (400,), generator=generator)
    order = torch.randperm(256, generator=generator)
    there = head_losses(OutputHead(weight, None, None), hidden, labels).double().mean()
    here = (
        head_losses(OutputHead(weight[:, order], None, None), hidden[:, order], labels)
        .double()
        .mean()
    )
    assert 0 < abs(float(here / there - 1)) < TOLERANCE[dtype] / 2
