"""How a text goes on: token after token, the likeliest or one that is drawn. In a worker too, which
keeps the model and its place in the text between two questions: its tasks are at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import torch

from iotapretrain.models.header_checks import Limits, read_claims
from iotapretrain.models.layout import load, stored_dtype
from iotapretrain.models.open_files import OpenFolder
from iotapretrain.models.sanity import Choose, continued, greatest


def drawn(temperature: float, top_p: float, top_k: int, seed: int) -> Choose:
    """At temperature 0 the likeliest one; else one of the `top_k` likeliest (0 for all), and of
    these of the fewest that have `top_p` of what is likely, by a generator of its own.
    """
    if temperature == 0:
        return greatest
    generator = torch.Generator().manual_seed(seed)

    def choose(logits: torch.Tensor) -> torch.Tensor:
        likely, ids = (logits / temperature).softmax(1).sort(1, descending=True)
        chosen = torch.multinomial(_kept(likely, top_p, top_k), 1, generator=generator)
        return ids.gather(1, chosen)[:, 0]

    return choose


def _kept(likely: torch.Tensor, top_p: float, top_k: int) -> torch.Tensor:
    """Odds in falling order, nought from where enough came before; the first one always stays."""
    before = likely.cumsum(1) - likely
    kept = likely.masked_fill(before >= top_p, 0)
    kept[:, top_k or kept.shape[1] :] = 0
    return kept


_going: list[Iterator[torch.Tensor]] = []


def begin(
    files: dict[str, int],
    limits: dict[str, Any],
    all_bytes: int,
    prompt: list[int],
    drawing: dict[str, Any],
) -> int:
    """Load the model and go on behind the prompt; its first token."""
    claims = read_claims(OpenFolder.of(files, all_bytes), msgspec.convert(limits, Limits))
    model = load(claims.config, claims.tensors, stored_dtype(claims.tensors))
    _going[:] = [continued(model, torch.tensor([prompt]), drawn(**drawing))]
    return go_on(files)


def go_on(_files: dict[str, int]) -> int:
    """The next token."""
    return int(next(_going[0]))
