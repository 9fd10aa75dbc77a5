"""`config.json` of a stranger's model: read strictly, cut down to the keys that are obeyed. Beyond
its bounds a number changes what a class computes: a window of 0 made Gemma-2 look ahead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from iotapretrain.models.architectures import ARCHITECTURES, BOUNDARY_KINDS, Architecture
from iotapretrain.models.verdict import Code, Rejection
from iotapretrain.rules.swarm.frame import WIRES

LARGEST_CONFIG = 2**20
LONGEST_TEXT = 64
MOST_LAYERS = 1_000
MOST_POSITIONS = 2**20
ACTIVATIONS = frozenset(
    {"gelu", "gelu_fast", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu", "swish"}
)
"""Functions of `transformers` that are plain formulas."""
ROPE_TYPES = frozenset({"default", "linear", "dynamic", "yarn", "longrope", "llama3"})
LAYER_TYPES = frozenset({"full_attention", "sliding_attention"})
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
        " max_position_embeddings decoder_layers vocab_size boundary_width",
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
WORDS: Mapping[str, tuple[str, ...]] = {"boundary": BOUNDARY_KINDS, "wire": WIRES}
"""Of keys that name one of a few things; any other text is an activation."""
FACTOR = Bound(0, LARGEST_NUMBER)
"""Of the numbers among rotary parameters that have no bound of their own."""


@dataclass(frozen=True)
class Config:
    """What a model says of itself, as far as it is obeyed."""

    architecture: Architecture
    values: Mapping[str, Any]
    vocabulary: int
    positions: int
    layers: int
    tied: bool


def read_config(text: bytes | bytearray, allowed: Collection[str]) -> Config:
    """The configuration, or Rejection: code to run, another architecture, senseless values."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise _bad("the file", str(error)) from error
    for key in ("auto_map", "custom_pipelines"):
        if document.get(key):
            problem = f"asks to run code from the repository ({key}); no such code is run"
            raise Rejection(Code.REMOTE_CODE, f"config.json {problem}", key)
    if "quantization_config" in document:
        raise _bad("quantization_config", "is given; publish plain floating-point weights")
    architecture = _architecture(document, allowed)
    values = {key: document[key] for key in sorted(architecture.obeyed & document.keys())}
    for key, value in values.items():
        _check_value(key, value)
    tied = values.get("tie_word_embeddings", architecture.tied)
    if not isinstance(tied, bool):
        raise _bad("tie_word_embeddings", f"is {_shown(tied)}, not true or false")
    return Config(
        architecture,
        values,
        vocabulary=_size(values, "vocab_size", LARGEST_NUMBER),
        positions=_size(values, architecture.positions, MOST_POSITIONS),
        layers=_size(values, architecture.layers, MOST_LAYERS),
        tied=tied,
    )


def parse_json(text: bytes | bytearray) -> dict[str, Any]:
    """A JSON object, no NaN, no infinity, no key twice; else a ValueError that says what it is."""
    try:
        document = json.loads(text, object_pairs_hook=_without_twice, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("is not JSON: nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("is not a JSON object")
    return document


def _without_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a name occurs twice")
    return mapping


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _architecture(document: Mapping[str, Any], allowed: Collection[str]) -> Architecture:
    given = document.get("architectures")
    if not (isinstance(given, list) and len(given) == 1 and isinstance(given[0], str)):
        raise _bad("architectures", f"is {_shown(given)}, not a list of one class")
    name = given[0]
    if name not in allowed or name not in ARCHITECTURES:
        problem = f"architecture {_shown(name)}; allowed: {', '.join(sorted(allowed))}"
        raise Rejection(Code.ARCHITECTURE, problem, name[:LONGEST_TEXT])
    architecture, given_type = ARCHITECTURES[name], document.get("model_type")
    if given_type != architecture.model_type:
        problem = f"model_type {_shown(given_type)}; it goes with {architecture.model_type!r}"
        raise Rejection(Code.ARCHITECTURE, f"architecture {name} with {problem}", "model_type")
    return architecture


def _size(values: Mapping[str, Any], key: str, largest: float) -> int:
    value = values.get(key)
    if type(value) is not int or not 1 <= value <= largest:
        raise _bad(key, f"is {_shown(value)}, not a whole number from 1 to {largest:,.0f}")
    return value


def _check_value(key: str, value: Any) -> None:
    """Scalars within reason; a list only of layer types, a mapping only of rotary parameters."""
    if key == "layer_types" and value is not None:
        listed = isinstance(value, list) and len(value) <= MOST_LAYERS
        if not listed or not _all_in(value, LAYER_TYPES):
            raise _bad(key, f"is not a list of {' or '.join(sorted(LAYER_TYPES))}")
    elif key == "stage_blocks" and value is not None:
        listed = isinstance(value, list) and len(value) <= MOST_LAYERS
        if not listed or not all(map(SIZE.admits, value)):
            raise _bad(key, f"is {_shown(value)}, not a list of whole numbers")
    elif key in ("rope_parameters", "rope_scaling") and value is not None:
        _check_rope(key, value)
    else:
        _check_scalar(key, value, key)


def _check_rope(key: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise _bad(key, f"is {_shown(value)}, not a mapping")
    for name, part in value.items():
        if name in ("type", "rope_type"):
            if not _all_in([part], ROPE_TYPES):
                raise _bad(f"{key}.{name}"[:LONGEST_TEXT], f"is {_shown(part)}, no rotary type")
        elif name in ("short_factor", "long_factor") and isinstance(part, list):
            for number in part:
                _check_scalar(key, number, name)
        else:
            _check_scalar(f"{key}.{name}"[:LONGEST_TEXT], part, name)


def _check_scalar(key: str, value: Any, name: str) -> None:
    """A word, a switch or a number; `name` is what the bounds call the key."""
    if isinstance(value, str):
        allowed = WORDS.get(name, ACTIVATIONS)
        if value not in allowed:
            raise _bad(key, f"is {_shown(value)}; allowed: {', '.join(sorted(allowed))}")
    elif isinstance(value, (int, float)):
        _check_number(key, value, name)
    elif value is not None:
        raise _bad(key, f"is {_shown(value)}, not a number, true, false or null")


def _check_number(key: str, value: float, name: str) -> None:
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        raise _bad(key, f"is {_shown(value)}, beyond all reason")
    if name in BOUNDS and not BOUNDS[name].admits(value):
        raise _bad(key, f"is {_shown(value)}, not {BOUNDS[name].sentence}")
    if name not in BOUNDS and not isinstance(value, bool) and not FACTOR.admits(value):
        raise _bad(key, f"is {_shown(value)}, not {FACTOR.sentence}")


def _all_in(values: list[Any], allowed: frozenset[str]) -> bool:
    return all(isinstance(value, str) and value in allowed for value in values)


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < LARGEST_NUMBER else "too large"
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _bad(key: str, problem: str) -> Rejection:
    return Rejection(Code.BAD_CONFIG, f"config.json: {key} {problem}", key)
