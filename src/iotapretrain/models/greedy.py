"""The likeliest continuation of a text, by our own decoding.

What a repository says about generation (sampling, penalties, beams) is never read.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from iotapretrain.models.layout import Model
from iotapretrain.models.losses import Head


@torch.inference_mode()
def likeliest(model: Model, prompts: torch.Tensor) -> Iterator[torch.Tensor]:
    """The next token of each prompt [row, position], then the one after it, without end."""
    head = Head.of(model)
    past, ids = None, prompts
    while True:
        answer = model.base_model(ids, past_key_values=past, use_cache=True)
        past = answer.past_key_values
        chosen = head.logits(answer[0][:, -1]).argmax(1)
        yield chosen
        ids = chosen[:, None]
