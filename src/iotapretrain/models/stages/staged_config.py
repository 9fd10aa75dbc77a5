"""What a staged decoder is: the numbers of a Llama or a Qwen3, where it is cut, what travels."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

from huggingface_hub.dataclasses import strict
from torch import nn
from transformers import LlamaConfig, Qwen3Config
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaDecoderLayer,
    LlamaRotaryEmbedding,
)
from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention, Qwen3DecoderLayer

from iotapretrain.models.architectures import BOUNDARY_KINDS
from iotapretrain.rules.swarm.frame import WIRES

FULL_WIDTH = ("plain", "quantised")
"""Boundaries over which every channel travels."""


@strict
class StagedConfig(Qwen3Config):
    """`config.json` of a staged model; without q/k norms (`qk_norm`) its blocks are Llama's."""

    model_type = "iotapretrain-staged"
    qk_norm: bool = False
    mlp_bias: bool = False
    stage_blocks: list[int] | None = None
    boundary: str = "plain"
    boundary_width: int | None = None
    wire: str = "bfloat16"

    def __post_init__(self, **given: Any) -> None:
        super().__post_init__(**given)  # type: ignore[no-untyped-call]  # of `transformers`
        self.use_cache = False
        if self.stage_blocks is None:
            self.stage_blocks = [self.num_hidden_layers]
        if self.boundary_width is None:
            self.boundary_width = self.hidden_size
        if self.boundary == "quantised":
            self.wire = "int8"
        if problem := self._problem():
            raise ValueError(problem)

    def _problem(self) -> str | None:
        """What makes no model of these numbers."""
        if min(self.blocks) < 1 or sum(self.blocks) != self.num_hidden_layers:
            return f"stage_blocks {self.blocks}: not {self.num_hidden_layers} blocks in all"
        if self.tie_word_embeddings:
            return "tie_word_embeddings: the head lies at another stage than the embedding"
        if self.boundary not in BOUNDARY_KINDS:
            return f"boundary {self.boundary!r}: none of {', '.join(BOUNDARY_KINDS)}"
        if self.wire not in WIRES:
            return f"wire {self.wire!r}: none of {', '.join(WIRES)}"
        least = self.hidden_size if self.boundary in FULL_WIDTH else 1
        if not least <= self.width <= self.hidden_size:
            allowed = f"{least} to {self.hidden_size}"
            return f"boundary_width {self.width}: {self.boundary} allows {allowed}"
        if self.num_attention_heads % (self.num_key_value_heads or 1):
            heads = f"{self.num_key_value_heads} heads of keys"
            return f"num_key_value_heads: {heads} do not divide {self.num_attention_heads}"
        if self.head_dim % 2:
            return f"head_dim {self.head_dim}: positions turn pairs of numbers; give an even one"
        return None

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks of each stage."""
        return tuple(self.stage_blocks or ())

    @property
    def width(self) -> int:
        """Numbers a position that travel."""
        return self.boundary_width or self.hidden_size

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First block of each stage, and the one behind its last."""
        return tuple(pairwise(accumulate(self.blocks, initial=0)))


def decoder_layer(config: StagedConfig, index: int) -> nn.Module:
    """One block, as `transformers` has it."""
    kind: type[Any] = Qwen3DecoderLayer if config.qk_norm else LlamaDecoderLayer
    block: nn.Module = kind(config, index)
    return block


def attention(config: StagedConfig, boundary: int) -> nn.Module:
    """A block's attention alone; what it keeps of a text lies behind that of all blocks."""
    kind: type[Any] = Qwen3Attention if config.qk_norm else LlamaAttention
    half = kind(config, 0)
    half.layer_idx = config.num_hidden_layers + boundary
    made: nn.Module = half
    return made


def rotary(config: StagedConfig) -> nn.Module:
    """What gives every position its angles."""
    kind: type[Any] = LlamaRotaryEmbedding
    angles: nn.Module = kind(config)
    return angles


def whole_config(config: StagedConfig) -> LlamaConfig | Qwen3Config:
    """The `transformers` class of which a plainly cut model is one."""
    kind = Qwen3Config if config.qk_norm else LlamaConfig
    keys = (
        *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"),
        *("num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings"),
        *("rms_norm_eps", "rope_parameters", "tie_word_embeddings", "attention_bias"),
    )
    return kind(
        **{key: getattr(config, key) for key in keys},
        architectures=["Qwen3ForCausalLM" if config.qk_norm else "LlamaForCausalLM"],
    )
