"""The architectures that can be opened, and which words of a configuration each of them obeys: all
others (generation settings, kernels to download, attention that looks ahead) have no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Architecture:
    """One class of `transformers`, or of ours: where its configuration gives what inspection must
    know.

    `keys` are the further keys that shape the network. `stored` maps parameters to the other names
    that files give them. `module` has the class.
    """

    name: str
    model_type: str
    keys: str
    embedding: str = "model.embed_tokens.weight"
    layers: str = "num_hidden_layers"
    positions: str = "max_position_embeddings"
    tied: bool = False
    head: str = "lm_head.weight"
    stored: Mapping[str, str] = field(default_factory=dict)
    module: str = "transformers"

    @property
    def obeyed(self) -> set[str]:
        """Every key that has an effect."""
        always = {self.layers, self.positions, "vocab_size", "tie_word_embeddings"}
        return always.union(self.keys.split())


BOUNDARY_KINDS = ("plain", "quantised", "partial", "residual", "anchored")
"""Between the stages of a staged model; docs/boundaries.md compares them."""

_ROTARY = "rope_parameters rope_theta rope_scaling"
_GATED = "hidden_size intermediate_size num_attention_heads num_key_value_heads rms_norm_eps"
_OPENAI = "n_embd n_head n_inner activation_function layer_norm_epsilon"

_ALL = (
    Architecture(
        "GPT2LMHeadModel",
        "gpt2",
        f"{_OPENAI} scale_attn_weights scale_attn_by_inverse_layer_idx",
        embedding="transformer.wte.weight",
        layers="n_layer",
        positions="n_positions",
        tied=True,
    ),
    Architecture(
        "GPTJForCausalLM",
        "gptj",
        f"{_OPENAI} rotary_dim",
        embedding="transformer.wte.weight",
        layers="n_layer",
        positions="n_positions",
    ),
    Architecture(
        "GPTNeoXForCausalLM",
        "gpt_neox",
        f"{_ROTARY} hidden_size intermediate_size num_attention_heads hidden_act "
        "layer_norm_eps use_parallel_residual attention_bias rotary_pct rotary_emb_base",
        embedding="gpt_neox.embed_in.weight",
        head="embed_out.weight",
        stored=MappingProxyType({"lm_head.weight": "embed_out.weight"}),
    ),
    Architecture(
        "LlamaForCausalLM",
        "llama",
        f"{_ROTARY} {_GATED} hidden_act head_dim attention_bias mlp_bias",
    ),
    Architecture(
        "MistralForCausalLM",
        "mistral",
        f"{_ROTARY} {_GATED} hidden_act head_dim sliding_window",
    ),
    Architecture(
        "Qwen2ForCausalLM",
        "qwen2",
        f"{_ROTARY} {_GATED} hidden_act sliding_window use_sliding_window max_window_layers "
        "layer_types",
    ),
    Architecture(
        "Qwen3ForCausalLM",
        "qwen3",
        f"{_ROTARY} {_GATED} hidden_act head_dim attention_bias sliding_window use_sliding_window "
        "max_window_layers layer_types",
    ),
    Architecture(
        "StagedForCausalLM",
        "iotapretrain-staged",
        f"{_ROTARY} {_GATED} hidden_act head_dim attention_bias qk_norm stage_blocks boundary "
        "boundary_width wire",
        module="iotapretrain.models.stages.staged_model",
    ),
    Architecture(
        "PhiForCausalLM",
        "phi",
        f"{_ROTARY} hidden_size intermediate_size num_attention_heads num_key_value_heads "
        "hidden_act layer_norm_eps qk_layernorm partial_rotary_factor",
    ),
    Architecture(
        "GemmaForCausalLM",
        "gemma",
        f"{_ROTARY} {_GATED} hidden_act head_dim attention_bias",
        tied=True,
    ),
    Architecture(
        "Gemma2ForCausalLM",
        "gemma2",
        f"{_ROTARY} {_GATED} hidden_activation head_dim attention_bias query_pre_attn_scalar "
        "sliding_window layer_types final_logit_softcapping attn_logit_softcapping",
        tied=True,
    ),
    Architecture(
        "FalconForCausalLM",
        "falcon",
        f"{_ROTARY} hidden_size num_attention_heads num_kv_heads layer_norm_epsilon alibi bias "
        "new_decoder_architecture multi_query parallel_attn num_ln_in_parallel_attn "
        "ffn_hidden_size activation",
        embedding="transformer.word_embeddings.weight",
        tied=True,
    ),
    Architecture(
        "BartForCausalLM",
        "bart",
        "d_model decoder_attention_heads decoder_ffn_dim activation_function scale_embedding",
        embedding="model.decoder.embed_tokens.weight",
        layers="decoder_layers",
        tied=True,
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({each.name: each for each in _ALL})
"""By the name of the class, as `config.json` gives it under `architectures`."""
