"""Tiny decoders of every small architecture, briefly trained on text that every Python carries."""

from __future__ import annotations

import pydoc_data.topics
from functools import cache
from typing import Any

import torch
import transformers

WIDTH, LAYERS, LENGTH, STEPS = 32, 2, 64, 60
SHARED = {"vocab_size": 256, "bos_token_id": 0, "eos_token_id": 0}
SIZED = SHARED | {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 88,
    "max_position_embeddings": LENGTH,
}
GATED = SIZED | {"num_key_value_heads": 1}

CONFIGS: dict[str, Any] = {
    "gpt2": lambda: transformers.GPT2Config(
        n_embd=WIDTH, n_layer=LAYERS, n_head=2, n_positions=LENGTH,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **SHARED,
    ),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**SIZED),
    "llama": lambda: transformers.LlamaConfig(**GATED),
    "mistral": lambda: transformers.MistralConfig(**GATED),
    "qwen2": lambda: transformers.Qwen2Config(tie_word_embeddings=True, **GATED),
}  # fmt: skip
ARCHITECTURES = tuple(CONFIGS)


def fresh(architecture: str) -> Any:
    """An untrained model of the architecture, always the same."""
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(CONFIGS[architecture]()).eval()


def sequences(rows: int, seed: int) -> torch.Tensor:
    """Rows of bytes from the documentation of Python."""
    topics = pydoc_data.topics.topics
    stream = torch.tensor(list("\n".join(topics[name] for name in sorted(topics)).encode()))
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(stream) - LENGTH, (rows,), generator=generator)
    return torch.stack([stream[start : start + LENGTH] for start in starts.tolist()])


@cache
def trained_state(architecture: str) -> dict[str, torch.Tensor]:
    model = fresh(architecture)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(STEPS):
        ids = sequences(8, step)
        torch.autograd.backward(model(input_ids=ids, labels=ids, use_cache=False).loss)
        optimiser.step()
        optimiser.zero_grad()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def trained(architecture: str, state: dict[str, torch.Tensor] | None = None) -> Any:
    """The architecture's trained model, or the same with other tensors in it."""
    model = fresh(architecture)
    model.load_state_dict(trained_state(architecture) if state is None else state)
    return model


def mean_loss(model: Any, ids: torch.Tensor) -> float:
    with torch.no_grad():
        return float(model(input_ids=ids, labels=ids, use_cache=False).loss)
