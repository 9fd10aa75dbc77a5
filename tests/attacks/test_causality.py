"""A window of 0 or less let Gemma-2 attend to all that follows."""

from __future__ import annotations

import json

import pytest
import torch

from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.causality import check_causality
from iotapretrain.models.config import read_config
from iotapretrain.models.verdict import Code, Rejection
from tests.models import zoo

ROWS = torch.randint(300, (1, 128), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("window", [0, -1, -200, 1.5, True])
def test_no_window_looks_ahead(window: float) -> None:
    model = zoo.network("Gemma2ForCausalLM")
    document = json.loads(model.config.to_json_string()) | {"architectures": ["Gemma2ForCausalLM"]}
    assert read_config(json.dumps(document).encode(), ARCHITECTURES).layers == 2
    document["sliding_window"] = window
    with pytest.raises(Rejection, match=r"sliding_window is .*, not a whole number from 1"):
        read_config(json.dumps(document).encode(), ARCHITECTURES)


def test_a_model_that_sees_what_follows_is_refused() -> None:
    model = zoo.network("Gemma2ForCausalLM", sliding_window=-200)
    finding = check_causality(model, ROWS, seed=3)
    assert finding is not None
    assert finding.code == Code.LOOKS_AHEAD


def test_one_token_ahead_is_seen() -> None:
    model = zoo.network("LlamaForCausalLM")

    def peek(_: object, __: object, found: torch.Tensor) -> torch.Tensor:
        return found + 0.5 * found.roll(-1, dims=1)

    model.model.embed_tokens.register_forward_hook(peek)
    assert check_causality(model, ROWS, seed=3) is not None


@pytest.mark.parametrize("name", zoo.SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_honest_class_passes(name: str, dtype: torch.dtype) -> None:
    assert check_causality(zoo.network(name).to(dtype), ROWS, seed=3) is None
