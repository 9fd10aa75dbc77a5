"""Which tensor plays which part in a decoder, so that attacks and statistics need not know its
architecture. A model of no family here has no parts; it is judged by what needs none.
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


@dataclass(frozen=True)
class Family:
    """Where architectures that are laid out alike keep their parts, by names of modules; those of
    norms, of query, key and value (one name where they are fused), and of the rest inside a layer.
    """

    embedding: str
    layers: str
    final_norm: str
    norms: tuple[str, str]
    projections: tuple[str, ...]
    rest: tuple[str, str | None, str, str]
    """Attention's output, then the MLP's gate, up and down."""
    positions: str | None = None
    transposed: bool = False
    by_head: bool = False
    """Fused rows are query, key and value of one head after the other."""


_LLAMA = Family(
    "model.embed_tokens",
    "model.layers",
    "model.norm",
    ("input_layernorm", "post_attention_layernorm"),
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
)
_GPT2 = Family(
    "transformer.wte",
    "transformer.h",
    "transformer.ln_f",
    ("ln_1", "ln_2"),
    ("attn.c_attn",),
    ("attn.c_proj", None, "mlp.c_fc", "mlp.c_proj"),
    positions="transformer.wpe.weight",
    transposed=True,
)
_NEOX = Family(
    "gpt_neox.embed_in",
    "gpt_neox.layers",
    "gpt_neox.final_layer_norm",
    ("input_layernorm", "post_attention_layernorm"),
    ("attention.query_key_value",),
    ("attention.dense", None, "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
    by_head=True,
)
FAMILIES = {"gpt2": _GPT2, "gpt_neox": _NEOX, "llama": _LLAMA, "mistral": _LLAMA, "qwen2": _LLAMA}


def parts_of(config: Any, state: State) -> Parts | None:
    """The parts of a model with this transformers configuration, or None where we know none."""
    family = FAMILIES.get(config.model_type)
    if family is None:
        return None
    groups = config.num_attention_heads if family.by_head else 1
    places = (f"{family.layers}.{number}" for number in range(config.num_hidden_layers))
    return Parts(
        f"{family.embedding}.weight",
        family.positions,
        tuple(_block(family, place, groups, state) for place in places),
        Norm(*_names(family.final_norm, state)),
        None if config.tie_word_embeddings else "lm_head.weight",
    )


def _block(family: Family, at: str, groups: int, state: State) -> Block:
    def linear(name: str, groups: int = 1, slots: int = 1, slot: int = 0) -> Linear:
        return Linear(*_names(f"{at}.{name}", state), family.transposed, groups, slots, slot)

    attention_norm, mlp_norm = (Norm(*_names(f"{at}.{name}", state)) for name in family.norms)
    if len(family.projections) == 1:
        fused = family.projections[0]
        query, key, value = (linear(fused, groups, 3, slot) for slot in range(3))
    else:
        query, key, value = map(linear, family.projections)
    output, gate, up, down = family.rest
    return Block(
        attention_norm,
        query,
        key,
        value,
        linear(output),
        mlp_norm,
        None if gate is None else linear(gate),
        linear(up),
        linear(down),
    )


def _names(module: str, state: State) -> tuple[str, str | None]:
    """Of a module's weight, and of its bias where it has one."""
    bias = f"{module}.bias"
    return f"{module}.weight", bias if bias in state else None
