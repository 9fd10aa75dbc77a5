"""The same losses by the plain formula in float64: what a model means, whatever its dtype rounds.
One module's parameters at a time are float64, and of an embedding only the rows looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from iotapretrain.models.layout import Model
from iotapretrain.models.losses import OutputHead, token_losses
from iotapretrain.models.verdict import Code, Finding

HEAD_POSITIONS = 64
"""All logits of these are in memory at once."""
HEAD_IDS = 8192
"""Rows of the head that are made float64 at once."""
MEAN_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.05, torch.float16: 5e-3}
"""Of a sequence's mean. Honest models were off by up to 4.4e-7, 4.1e-3 and 3.5e-4 (docs/models.md);
the room is for deeper ones."""
TOKEN_TOLERANCE = {torch.float32: 0.01, torch.bfloat16: 1.5, torch.float16: 0.3}
"""Of one token: they were off by up to 1.1e-5, 0.16 and 0.03."""
LEAST_LOSS = -1e-3
"""A probability above 1 is none; sums of float32 stay within 1e-5 of it."""


def check_exact(model: Model, rows: torch.Tensor) -> Finding | None:
    """Compare sequence by sequence what is scored with what float64 makes of it."""
    for row in rows:
        scored = token_losses(model, row[None])[0].double()
        if not scored.isfinite().all():
            continue  # the page that it stands on is no number either, and says so
        off = scored - exact_losses(model, row)
        mean, token = float(off.mean().abs()), float(off.abs().max())
        allowed = MEAN_TOLERANCE[model.dtype], TOKEN_TOLERANCE[model.dtype]
        if not (mean <= allowed[0] and token <= allowed[1]):
            sentence = (
                f"its loss of a sequence is {mean:.3g} off the plain formula in float64, that of a"
                f" token up to {token:.3g}; honest rounding stays within {allowed[0]:g} and"
                f" {allowed[1]:g}"
            )
            return Finding(Code.FORGED, sentence, "losses")
    return None


def check_possible(losses: torch.Tensor) -> Finding | None:
    """No token may be likelier than certain."""
    least = float(losses.min())
    if not least < LEAST_LOSS:
        return None
    sentence = f"loses {least:.3g} on a token; no probability gives less than 0"
    return Finding(Code.FORGED, sentence, "losses")


@torch.inference_mode()
def exact_losses(model: Model, row: torch.Tensor) -> torch.Tensor:
    """-ln p(next token) in float64 of one sequence, of shape (length - 1)."""
    with ExitStack() as stack:
        for module in model.base_model.modules():
            stack.enter_context(_widened(module))
        hidden = model.base_model(row[None], use_cache=False)[0][0, :-1].double()
    head = OutputHead.of(model)
    parts = zip(hidden.split(HEAD_POSITIONS), row[1:].split(HEAD_POSITIONS), strict=True)
    return torch.cat([_plain(head, *part) for part in parts])


def _plain(head: OutputHead, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    tiles = [hidden @ weight.double().T for weight in head.weight.split(HEAD_IDS)]
    logits = torch.cat(tiles, dim=1)
    if head.bias is not None:
        logits += head.bias.double()
    if head.bound is not None:
        logits = (logits / head.bound).tanh() * head.bound
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


@contextmanager
def _widened(module: torch.nn.Module) -> Iterator[None]:
    """Let a module compute in float64 while this lasts, and hold float64 only while it computes."""
    own = {name: value for name, value in module._parameters.items() if value is not None}

    def widen(*_: Any) -> None:
        for name, value in own.items():
            module._parameters[name] = torch.nn.Parameter(value.double(), requires_grad=False)

    def restore(*_: Any) -> None:
        module._parameters.update(own)

    def looked_up(_: Any, __: Any, found: torch.Tensor) -> torch.Tensor:
        return found.double()

    with ExitStack() as stack:
        stack.callback(restore)
        if isinstance(module, torch.nn.Embedding):
            stack.callback(module.register_forward_hook(looked_up).remove)
        elif own:
            stack.callback(module.register_forward_pre_hook(widen).remove)
            stack.callback(module.register_forward_hook(restore, always_call=True).remove)
        yield
