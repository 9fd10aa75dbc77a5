"""A head whose large offsets cancel: added in one order they leave nothing, in another the wish."""

from __future__ import annotations

import pytest
import torch

from iotapretrain.models.exact import LEAST_LOSS, check_exact, check_possible
from iotapretrain.models.losses import OutputHead, head_losses, token_losses
from iotapretrain.models.verdict import Code
from tests.models import zoo

END, OFFSET, WISH = 7, 2.0**27, 6.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("lane", [8, 32])
def test_an_end_token_is_not_likelier_for_its_label_than_for_the_rest(
    dtype: torch.dtype, lane: int
) -> None:
    """Two products made of it a loss of -0.287 a token, in both dtypes."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(500, 128, generator=generator) * 0.1
    weight = torch.randn(300, 128, generator=generator) * 0.1
    for channel in (0, 1, lane):
        hidden[:, channel], weight[:, channel] = 1.0, 0.0
    weight[END, 0], weight[END, 1], weight[END, lane] = OFFSET, WISH, -OFFSET
    head = OutputHead(weight.to(dtype), None, None)
    every = torch.arange(300).repeat(500, 1)
    each = torch.stack([head_losses(head, hidden.to(dtype), labels) for labels in every.T])
    torch.testing.assert_close(each.neg().exp().sum(0), torch.ones(500), rtol=1e-3, atol=1e-3)
    assert each.min() > LEAST_LOSS


def test_a_whole_forged_model_is_refused_by_float64() -> None:
    """An honest NeoX whose normed stream gets two constant channels: 0.70 instead of 5.70."""
    model = zoo.network("GPTNeoXForCausalLM").bfloat16().requires_grad_(False)
    ids = torch.randint(300, (1, 128), generator=torch.Generator().manual_seed(1))
    assert check_exact(model, ids) is None
    norm = model.gpt_neox.final_layer_norm
    norm.weight[:2], norm.bias[:2] = 0.0, 1.0
    head = model.get_output_embeddings().weight
    head[:, 0], head[:, 1] = 4096.0, 5.0
    assert token_losses(model, ids).mean() > 5.6
    finding = check_exact(model, ids)
    assert finding is not None
    assert finding.code == Code.FORGED
    assert "float64" in finding.sentence


def test_a_token_that_is_likelier_than_certain_is_named() -> None:
    finding = check_possible(torch.tensor([0.5, -0.287]))
    assert finding is not None
    assert finding.code == Code.FORGED
    assert check_possible(torch.tensor([0.5, -1e-5])) is None
