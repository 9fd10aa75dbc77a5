"""Width, depth and heads from a number of parameters: the one dial of a model's size."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from iotapretrain.errors import InputError
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.config import Config, read_config
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.layout import needed_shapes
from iotapretrain.models.verdict import Rejection
from iotapretrain.rules.competition.schedule import Constraints

ASPECT = 96
"""Width by layers. The loss hardly changes from 50 to 150 (Kaplan et al. 2020, figure 5); wide
models are faster, deep ones harder to train."""
FEWEST_LAYERS = 2
TIED_BELOW = 1_000_000_000
"""Parameters up to which one matrix serves as embedding and head: they would be a large share."""
ALWAYS_UNTIED = ("GPTJForCausalLM", "PhiForCausalLM", "StagedForCausalLM")
"""Their heads have a bias, which files of tied models do not carry, or lie at another stage."""
OWN_HEAD_WIDTH = (
    "GemmaForCausalLM",
    "Gemma2ForCausalLM",
    "Qwen3ForCausalLM",
    "StagedForCausalLM",
)
"""By default their heads are wider than their share."""

Document = dict[str, Any]


def middle_size(allowed: Constraints) -> int:
    """The geometric middle of what is allowed: the default size."""
    smallest, largest = allowed.min_parameters, allowed.max_parameters
    return math.isqrt(smallest * largest) or largest // 2


def derived(size: int, architecture: str, limits: Limits, given: Document) -> Document:
    """`config.json` of a model near `size` parameters; keys in `given` go before derived ones."""
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"architecture {architecture!r}: unknown; there are {', '.join(ARCHITECTURES)}"
        )
    smallest, largest = limits.constraints.min_parameters, limits.constraints.max_parameters
    allowed = smallest <= size <= largest
    candidates = [*_candidates(size, architecture, limits, given)] if allowed else []
    if not candidates:
        raise InputError(
            f"size {size:,}: no {architecture} of that size; the competition allows"
            f" {smallest:,} to {largest:,} parameters"
        )
    return min(candidates, key=lambda candidate: candidate[0])[1]


def checked(document: Document) -> Config:
    """The configuration as everybody will read it, or one line about what is wrong with it."""
    with _explained():
        return read_config(json.dumps(document).encode(), [*ARCHITECTURES])


def parameters_of(document: Document) -> int:
    """Shared ones once."""
    config = checked(document)
    with _explained():
        return sum(math.prod(shape) for shape in needed_shapes(config).values())


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Rejection as rejection:
        raise InputError(f"[model]: {rejection}; see docs/miner.md") from rejection


def _candidates(
    size: int, architecture: str, limits: Limits, given: Document
) -> Iterator[tuple[float, Document]]:
    """Every width with the depth that comes nearest to the size, and how far off it is.

    Layers are alike, so two small networks tell the size of one of any depth.
    """
    middle = (size * ASPECT / 12) ** (1 / 3)
    head = _head_width(middle)
    known, allowed = ARCHITECTURES[architecture], limits.constraints

    def document(width: int, layers: int) -> Document:
        return {
            "architectures": [architecture],
            "model_type": known.model_type,
            "vocab_size": limits.vocabulary,
            known.positions: allowed.sequence_length,
            known.layers: layers,
            "tie_word_embeddings": size < TIED_BELOW and architecture not in ALWAYS_UNTIED,
            **_widths(architecture, width, width // head),
        } | given

    for width in range(max(head, int(middle / 2) // head * head), int(2 * middle) + head, head):
        one, two = (parameters_of(document(width, layers)) for layers in (1, 2))
        layers = max(FEWEST_LAYERS, round((size - one) / max(two - one, 1)) + 1)
        count = one + (layers - 1) * (two - one)
        if allowed.min_parameters <= count <= allowed.max_parameters:
            aspect = abs(math.log(width / layers / ASPECT))
            yield aspect + 4 * abs(math.log(count / size)), document(width, layers)
        if one == two:  # depth is given, and with it perhaps everything
            return


def _head_width(width: float) -> int:
    """Small heads for small models, so that there are several; kernels like powers of two."""
    return 32 if width < 512 else 64 if width < 2048 else 128


def _widths(architecture: str, width: int, heads: int) -> Document:
    """By whatever names the architecture has for them. A gated network's inner width is 8/3 of its
    width, so that three matrices take the place of two; a multiple of 32.
    """
    obeyed = ARCHITECTURES[architecture].obeyed
    gated = "rms_norm_eps" in obeyed
    sizes = {
        **dict.fromkeys(("n_embd", "hidden_size", "d_model"), width),
        **dict.fromkeys(("n_head", "num_attention_heads", "decoder_attention_heads"), heads),
        "rotary_dim": width // heads // 2,
        "intermediate_size": round(width * 8 / 3 / 32) * 32 if gated else 4 * width,
        "decoder_ffn_dim": 4 * width,
        "num_key_value_heads": heads if gated else None,
        "head_dim": width // heads if architecture in OWN_HEAD_WIDTH else None,
    }
    return {key: size for key, size in sizes.items() if key in obeyed and size is not None}
