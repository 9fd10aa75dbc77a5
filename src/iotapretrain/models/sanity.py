"""Does a model continue two different texts sensibly? (competition, 7.1)"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import torch

from iotapretrain.errors import InputError
from iotapretrain.models.layout import Model
from iotapretrain.models.losses import OutputHead
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.sensible_output import (
    CONTINUATION_TOKENS,
    PROMPT_TOKENS,
    reasonable,
)

Choose = Callable[[torch.Tensor], torch.Tensor]
"""From logits [row, id] to one id a row."""


def check_sanity(model: Model, batches: torch.Tensor) -> Finding | None:
    """Judge the continuations of the starts of sequences, two by two.

    The original judges one pair a task and refuses a model that fails in any. A weak model that is
    honest often fails in one: here only a model that fails in every pair is unreasonable.
    """
    if batches.ndim != 2 or len(batches) < 2 or batches.shape[1] < PROMPT_TOKENS:
        raise InputError(
            f"sanity: tokens of shape {tuple(batches.shape)};"
            f" two sequences of {PROMPT_TOKENS} tokens or more are needed"
        )
    whole = len(batches) // 2 * 2
    continued = continuations(model, batches[:whole, :PROMPT_TOKENS]).tolist()
    if any(map(reasonable, continued[::2], continued[1::2])):
        return None
    return Finding(
        Code.UNREASONABLE,
        "continues different texts in the same way, or repeats one token over and over",
        "output",
    )


def continuations(model: Model, prompts: torch.Tensor) -> torch.Tensor:
    """The 20 likeliest next tokens of each prompt, one after the other."""
    return torch.stack(list(islice(likeliest(model, prompts), CONTINUATION_TOKENS)), dim=1)


def likeliest(model: Model, prompts: torch.Tensor) -> Iterator[torch.Tensor]:
    """The next token of each prompt [row, position], then the one after it, without end."""
    return continued(model, prompts, greatest)


@torch.inference_mode()
def continued(model: Model, prompts: torch.Tensor, choose: Choose) -> Iterator[torch.Tensor]:
    """What is chosen behind each prompt, then behind that, without end.

    What a repository says about generation (sampling, penalties, beams) is never read.
    """
    head = OutputHead.of(model)
    past, ids = None, prompts
    while True:
        answer = model.base_model(ids, past_key_values=past, use_cache=True)
        past = answer.past_key_values
        chosen = choose(head.logits(answer[0][:, -1]))
        yield chosen
        ids = chosen[:, None]


def greatest(logits: torch.Tensor) -> torch.Tensor:
    """The likeliest of each row."""
    return logits.argmax(1)
