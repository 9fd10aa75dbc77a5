"""A decoder with boundaries between its stages: whole, or one stage of it with memory.

Parameters have one name wherever they are held, which is the one that `transformers` gives them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache
from transformers.initialization import no_init_weights
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from iotapretrain.models.layout import HollowMode
from iotapretrain.models.losses import OutputHead
from iotapretrain.models.stages.boundaries import BOUNDARIES, Boundary, Past, positions
from iotapretrain.models.stages.staged_config import (
    StagedConfig,
    decoder_layer,
    rotary,
    whole_config,
)
from iotapretrain.models.stages.wire_codes import WIRE_CODES


class _Staged(PreTrainedModel):
    config_class = StagedConfig
    base_model_prefix = "model"
    _supports_sdpa = True
    config: StagedConfig


class StagedBody(_Staged):
    """From tokens to the last hidden state, through every boundary as the wire rounds it."""

    def __init__(self, config: StagedConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(
            decoder_layer(config, index) for index in range(config.num_hidden_layers)
        )
        kind = BOUNDARIES[config.boundary]
        self.boundaries = nn.ModuleList(
            kind(config, number) for number in range(len(config.blocks) - 1)
        )
        self.norm = LlamaRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary_emb = rotary(config)

    def run_stage(
        self,
        index: int,
        received: torch.Tensor | None,
        tokens: torch.Tensor,
        past: Past | None = None,
    ) -> torch.Tensor:
        """What a stage makes of what it received: rows to send, or the last hidden state."""
        if received is None:
            x = self.embed_tokens(tokens)
        else:
            x = self._boundary(index - 1).decode(received, tokens, past)
        places = self.rotary_emb(x, positions(x, past))
        cache = None if past is None else past.cache
        first, end = self.config.spans[index]
        for layer in self.layers[first:end]:
            x = layer(x, position_embeddings=places, past_key_values=cache)
        if end == len(self.layers):
            normed: torch.Tensor = self.norm(x)
            return normed
        return self._boundary(index).encode(x, tokens)

    def forward(
        self,
        input_ids: torch.Tensor,
        past_key_values: Cache | None = None,
        use_cache: bool = False,
        **ignored: Any,
    ) -> BaseModelOutputWithPast:
        """The last hidden state of every position; what is kept goes on behind what was."""
        cache = DynamicCache() if use_cache and past_key_values is None else past_key_values
        past = None if cache is None else Past(cache, cache.get_seq_length())
        wire = WIRE_CODES[self.config.wire]
        x = self.run_stage(0, None, input_ids, past)
        for index in range(1, len(self.config.blocks)):
            x = self.run_stage(index, wire.rounded(x), input_ids, past)
        return BaseModelOutputWithPast(last_hidden_state=x, past_key_values=cache)

    def _boundary(self, index: int) -> Boundary:
        return cast(Boundary, self.boundaries[index])


class StagedForCausalLM(_Staged, GenerationMixin):
    """The whole model, as anyone opens it to score it or to go on with it."""

    def __init__(self, config: StagedConfig) -> None:
        super().__init__(config)
        self.model = StagedBody(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]  # of `transformers`

    def forward(self, input_ids: torch.Tensor, **options: Any) -> CausalLMOutputWithPast:
        """Logits of every position."""
        made = self.model(input_ids, **options)
        return CausalLMOutputWithPast(
            logits=self.lm_head(made[0]), past_key_values=made.past_key_values
        )


def whole_model(config: StagedConfig, weights: Mapping[str, torch.Tensor]) -> PreTrainedModel:
    """All stages as one model that anyone opens: of `transformers`' own class, if every channel
    travels as it is, else of ours.
    """
    plain = config.boundary == "plain" and config.wire != "int8"
    with no_init_weights(), HollowMode():
        whole = AutoModelForCausalLM.from_config(whole_config(config) if plain else config)
    whole.load_state_dict(weights, assign=True)
    model: PreTrainedModel = whole
    return model


AutoConfig.register(StagedConfig.model_type, StagedConfig)
AutoModelForCausalLM.register(StagedConfig, StagedForCausalLM)


def stage_of(config: StagedConfig, name: str) -> int:
    """The stage that holds a parameter."""
    room, _, rest = name.removeprefix("model.").partition(".")
    match room, rest.split("."):
        case "embed_tokens", _:
            return 0
        case "layers", [block, *_]:
            return next(i for i, (_, end) in enumerate(config.spans) if int(block) < end)
        case "boundaries", [boundary, half, *_]:
            return int(boundary) + (half == "decoder")
        case _:
            return len(config.blocks) - 1


def first_values(config: StagedConfig, name: str, shape: torch.Size, seed: int) -> torch.Tensor:
    """What a parameter begins with: the same for a seed and a name, whoever holds what beside it.

    Gains begin at one and tables of anchors at zero. The standard deviation of all others is
    sqrt(2 / 5d) for width d (Nguyen and Salazar 2019).
    """
    if len(shape) == 1:
        return torch.ones(shape)
    if name.endswith("anchors.weight"):
        return torch.zeros(shape)
    named = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(named[:8], "little"))
    return torch.randn(shape, generator=generator).mul_(math.sqrt(2 / (5 * config.hidden_size)))


class StageNetwork:
    """One stage: its parameters have memory, once they are held, and all others have none."""

    def __init__(self, config: StagedConfig, index: int) -> None:
        with no_init_weights(), HollowMode():
            self._whole = StagedForCausalLM(config)
        self._whole.train()
        self.config, self.index = config, index
        self.is_head, self.is_tail = index == 0, index == len(config.blocks) - 1
        self.wire = WIRE_CODES[config.wire]
        self.shapes: Mapping[str, torch.Size] = {
            name: parameter.shape
            for name, parameter in self._whole.named_parameters()
            if stage_of(config, name) == index
        }

    def first_weights(self, seed: int) -> dict[str, torch.Tensor]:
        """What the run begins with."""
        return {
            name: first_values(self.config, name, shape, seed)
            for name, shape in self.shapes.items()
        }

    def hold(self, weights: Mapping[str, torch.Tensor]) -> dict[str, nn.Parameter]:
        """Compute with these from now on; they are shared, not copied."""
        held = {name: nn.Parameter(weights[name]) for name in self.shapes}
        self._whole.load_state_dict(held, strict=False, assign=True)
        return held

    def compute(self, received: torch.Tensor | None, tokens: torch.Tensor) -> torch.Tensor:
        """Rows to send, or at the tail the last hidden state."""
        body: StagedBody = self._whole.model
        return body.run_stage(self.index, received, tokens)

    @property
    def head(self) -> OutputHead:
        """By which the tail's hidden states become logits."""
        return OutputHead.of(self._whole)
