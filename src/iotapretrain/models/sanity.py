"""Does a model continue two different texts sensibly? (competition, 7.1)"""

from __future__ import annotations

from itertools import islice

import torch

from iotapretrain.errors import InputError
from iotapretrain.models.greedy import likeliest
from iotapretrain.models.layout import Model
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.sanity import CONTINUATION_TOKENS, PROMPT_TOKENS, reasonable


def check_sanity(model: Model, batches: torch.Tensor) -> Finding | None:
    """Judge the continuations of the starts of the first two sequences of a round."""
    if batches.ndim != 2 or len(batches) < 2 or batches.shape[1] < PROMPT_TOKENS:
        raise InputError(
            f"sanity: tokens of shape {tuple(batches.shape)};"
            f" two sequences of {PROMPT_TOKENS} tokens or more are needed"
        )
    first, second = continuations(model, batches[:2, :PROMPT_TOKENS]).tolist()
    if reasonable(first, second):
        return None
    return Finding(
        Code.UNREASONABLE,
        "continues two different texts in the same way, or repeats one token over and over",
        "output",
    )


def continuations(model: Model, prompts: torch.Tensor) -> torch.Tensor:
    """The 20 likeliest next tokens of each prompt, one after the other."""
    return torch.stack(list(islice(likeliest(model, prompts), CONTINUATION_TOKENS)), dim=1)
