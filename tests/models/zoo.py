"""Tiny random models of every architecture, and folders that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.header_checks import Limits
from iotapretrain.rules.competition.schedule import Constraints

VOCABULARY = 300
POSITIONS = 192
OPENAI = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS}
MODERN = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": POSITIONS,
}
GROUPED = MODERN | {"num_key_value_heads": 1}
SHAPES: Mapping[str, dict[str, Any]] = {
    "GPT2LMHeadModel": OPENAI,
    "GPTJForCausalLM": OPENAI | {"rotary_dim": 8},
    "GPTNeoXForCausalLM": MODERN,
    "LlamaForCausalLM": GROUPED,
    "MistralForCausalLM": GROUPED | {"sliding_window": 40},
    "Qwen2ForCausalLM": GROUPED,
    "Qwen3ForCausalLM": GROUPED | {"head_dim": 16},
    "StagedForCausalLM": GROUPED
    | {"head_dim": 16, "stage_blocks": [1, 1], "boundary": "anchored", "boundary_width": 8},
    "PhiForCausalLM": MODERN,
    "GemmaForCausalLM": GROUPED | {"head_dim": 16},
    "Gemma2ForCausalLM": GROUPED | {"head_dim": 16, "final_logit_softcapping": 2.0},
    "FalconForCausalLM": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": POSITIONS,
    },
    "BartForCausalLM": {
        "d_model": 32,
        "decoder_layers": 2,
        "decoder_attention_heads": 2,
        "decoder_ffn_dim": 64,
        "max_position_embeddings": POSITIONS,
    },
}
NO_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def limits(**changes: Any) -> Limits:
    """Limits that every model of the zoo satisfies, but for `changes`."""
    given = {
        "min_parameters": 10_000,
        "max_parameters": 100_000,
        "sequence_length": 128,
        "tokenizer": "bytes",
        "max_bytes": 10**6,
        "architectures": frozenset(ARCHITECTURES),
        "dtype": "float32",
    }
    return Limits(Constraints(**(given | changes)), vocabulary=257)


def network(name: str, seed: int = 0, **changes: Any) -> transformers.PreTrainedModel:
    """A random model, with weights large enough for its parts to matter."""
    model_class = getattr(import_module(ARCHITECTURES[name].module), name)
    values = SHAPES[name] | {"vocab_size": VOCABULARY} | NO_TOKENS | changes
    torch.manual_seed(seed)
    model = model_class(model_class.config_class(**values)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def save(model: transformers.PreTrainedModel, folder: Path) -> Path:
    """What its author would publish."""
    model.save_pretrained(folder)
    return folder


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensors(folder: Path, changes: Mapping[str, torch.Tensor | None]) -> None:
    """Replace tensors, or leave them out where None is given."""
    path = folder / "model.safetensors"
    tensors = load_file(path) | dict(changes)
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, path)


def write_header(path: Path, header: Any, content: bytes = b"", length: int | None = None) -> None:
    """A safetensors file with any header, true or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(
        (len(text) if length is None else length).to_bytes(8, "little") + text + content
    )
