"""Which tensor plays which part in a decoder, so that attacks and statistics need not know its
architecture.

Two families cover the architectures that small competitions allow: Llama-like (RMSNorm, gated
MLP, separate projections) and GPT-2-like (LayerNorm with bias, plain MLP, one fused
query-key-value tensor). A model of any other architecture has no parts here; it is judged by what
needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

EPSILON_KEYS = ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps")
"""Where configurations keep what stands under the root of their norms."""

State = Mapping[str, torch.Tensor]
"""The tensors of a model by name, as `state_dict()` gives them."""


@dataclass(frozen=True)
class Linear:
    """A matrix from `weight`, perhaps one of several fused in it: its output rows in `groups` x
    `slots`, ours is `slot`.
    """

    weight: str
    bias: str | None
    transposed: bool = False
    groups: int = 1
    slots: int = 1
    slot: int = 0

    def matrix(self, state: State) -> torch.Tensor:
        """A view of shape (groups, outputs of a group, inputs): writing to it changes the state."""
        stored = state[self.weight]
        rows = stored.T if self.transposed else stored
        return rows.view(self.groups, self.slots, -1, rows.shape[-1])[:, self.slot]

    def offset(self, state: State) -> torch.Tensor | None:
        """The bias that belongs to the matrix, a view of shape (groups, outputs of a group)."""
        if self.bias is None:
            return None
        return state[self.bias].view(self.groups, self.slots, -1)[:, self.slot]


@dataclass(frozen=True)
class Norm:
    """The gain of a normalisation, and its offset where it has one."""

    weight: str
    bias: str | None


@dataclass(frozen=True)
class Block:
    """One layer: attention and MLP, each reading a normalised stream and writing to the stream."""

    attention_norm: Norm
    query: Linear
    key: Linear
    value: Linear
    output: Linear
    mlp_norm: Norm
    gate: Linear | None
    up: Linear
    down: Linear

    @property
    def readers(self) -> tuple[tuple[Norm, tuple[Linear, ...]], ...]:
        """Each norm with the matrices that read what it gives."""
        gate = () if self.gate is None else (self.gate,)
        return (
            (self.attention_norm, (self.query, self.key, self.value)),
            (self.mlp_norm, (*gate, self.up)),
        )

    @property
    def writers(self) -> tuple[Linear, Linear]:
        return self.output, self.down


@dataclass(frozen=True)
class Parts:
    """The parts of a whole decoder. `head` is None where the embedding serves as the head."""

    embedding: str
    positions: str | None
    blocks: tuple[Block, ...]
    final_norm: Norm
    head: str | None

    @property
    def norms(self) -> Iterator[Norm]:
        for block in self.blocks:
            yield block.attention_norm
            yield block.mlp_norm
        yield self.final_norm


def parts_of(config: Any, state: State) -> Parts | None:
    """The parts of a model with this transformers configuration, or None where we know none."""
    build = _FAMILIES.get(config.model_type)
    return None if build is None else build(config, state)


def _llama(config: Any, state: State) -> Parts:
    blocks = tuple(
        _llama_block(f"model.layers.{n}", state) for n in range(config.num_hidden_layers)
    )
    head = None if config.tie_word_embeddings else "lm_head.weight"
    return Parts("model.embed_tokens.weight", None, blocks, Norm("model.norm.weight", None), head)


def _llama_block(at: str, state: State) -> Block:
    def linear(name: str) -> Linear:
        bias = f"{at}.{name}.bias"
        return Linear(f"{at}.{name}.weight", bias if bias in state else None)

    return Block(
        attention_norm=Norm(f"{at}.input_layernorm.weight", None),
        query=linear("self_attn.q_proj"),
        key=linear("self_attn.k_proj"),
        value=linear("self_attn.v_proj"),
        output=linear("self_attn.o_proj"),
        mlp_norm=Norm(f"{at}.post_attention_layernorm.weight", None),
        gate=linear("mlp.gate_proj"),
        up=linear("mlp.up_proj"),
        down=linear("mlp.down_proj"),
    )


def _gpt2(config: Any, _: State) -> Parts:
    blocks = tuple(_gpt2_block(f"transformer.h.{n}") for n in range(config.num_hidden_layers))
    head = None if config.tie_word_embeddings else "lm_head.weight"
    return Parts(
        "transformer.wte.weight", "transformer.wpe.weight", blocks, _norm("transformer.ln_f"), head
    )


def _gpt2_block(at: str) -> Block:
    def linear(name: str, slots: int = 1, slot: int = 0) -> Linear:
        return Linear(
            f"{at}.{name}.weight", f"{at}.{name}.bias", transposed=True, slots=slots, slot=slot
        )

    query, key, value = (linear("attn.c_attn", 3, slot) for slot in range(3))
    return Block(
        attention_norm=_norm(f"{at}.ln_1"),
        query=query,
        key=key,
        value=value,
        output=linear("attn.c_proj"),
        mlp_norm=_norm(f"{at}.ln_2"),
        gate=None,
        up=linear("mlp.c_fc"),
        down=linear("mlp.c_proj"),
    )


def _neox(config: Any, state: State) -> Parts:
    heads = config.num_attention_heads
    blocks = tuple(
        _neox_block(f"gpt_neox.layers.{n}", heads, state) for n in range(config.num_hidden_layers)
    )
    head = None if config.tie_word_embeddings else "lm_head.weight"
    return Parts("gpt_neox.embed_in.weight", None, blocks, _norm("gpt_neox.final_layer_norm"), head)


def _neox_block(at: str, heads: int, state: State) -> Block:
    def linear(name: str, groups: int = 1, slots: int = 1, slot: int = 0) -> Linear:
        bias = f"{at}.{name}.bias"
        return Linear(
            f"{at}.{name}.weight", bias if bias in state else None, False, groups, slots, slot
        )

    query, key, value = (linear("attention.query_key_value", heads, 3, slot) for slot in range(3))
    return Block(
        attention_norm=_norm(f"{at}.input_layernorm"),
        query=query,
        key=key,
        value=value,
        output=linear("attention.dense"),
        mlp_norm=_norm(f"{at}.post_attention_layernorm"),
        gate=None,
        up=linear("mlp.dense_h_to_4h"),
        down=linear("mlp.dense_4h_to_h"),
    )


def _norm(at: str) -> Norm:
    return Norm(f"{at}.weight", f"{at}.bias")


_FAMILIES = {
    "gpt2": _gpt2,
    "gpt_neox": _neox,
    "llama": _llama,
    "mistral": _llama,
    "qwen2": _llama,
}
