"""What each number of a configuration may be: outside of it a class computes something else.

A window of 0 or less, for one, made Gemma-2 attend to all that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LARGEST_SIZE = 2**24
LARGEST_NUMBER = 1e12


@dataclass(frozen=True)
class Bound:
    """The least and the greatest number that a key may have, and whether it must be whole."""

    least: float
    greatest: float
    whole: bool = False

    def admits(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.least <= value <= self.greatest and (not self.whole or isinstance(value, int))

    @property
    def sentence(self) -> str:
        """For a person."""
        kind = "whole number" if self.whole else "number"
        return f"a {kind} from {self.least:g} to {self.greatest:g}"


SIZE = Bound(1, LARGEST_SIZE, whole=True)
SHARE = Bound(1e-3, 1)
EPSILON = Bound(1e-12, 1)
BASE = Bound(1, LARGEST_NUMBER)
SOFTNESS = Bound(1e-3, 1e6)

_BY_BOUND = (
    (
        SIZE,
        "hidden_size intermediate_size num_attention_heads num_key_value_heads num_kv_heads"
        " head_dim n_embd n_head n_inner rotary_dim d_model decoder_attention_heads"
        " decoder_ffn_dim ffn_hidden_size sliding_window n_layer n_positions num_hidden_layers"
        " max_position_embeddings decoder_layers vocab_size",
    ),
    (Bound(0, LARGEST_SIZE, whole=True), "max_window_layers"),
    (Bound(1, 2, whole=True), "num_ln_in_parallel_attn"),
    (EPSILON, "rms_norm_eps layer_norm_eps layer_norm_epsilon"),
    (SHARE, "rotary_pct partial_rotary_factor"),
    (BASE, "rotary_emb_base rope_theta"),
    (SOFTNESS, "final_logit_softcapping attn_logit_softcapping query_pre_attn_scalar"),
)
BOUNDS: Mapping[str, Bound] = {key: bound for bound, keys in _BY_BOUND for key in keys.split()}
"""Of every key that is a number; null stands for the class's own."""
FACTOR = Bound(0, LARGEST_NUMBER)
"""Of the numbers among rotary parameters that have no bound of their own."""
