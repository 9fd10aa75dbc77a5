"""Honest models to calibrate the trainability probe on: tiny decoders, trained in as many ways as
people train them.

Everything follows from a recipe's fields and its seed, so a model can be trained again anywhere,
to the same numbers up to the order of floating-point sums.
"""

from __future__ import annotations

import math
import pydoc_data.topics
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import transformers

from iotapretrain.models.trainable.parts import Linear, parts_of

VOCABULARY = 256
LENGTH = 128
BATCH = 8

GPT2, NEOX, LLAMA, MISTRAL, QWEN2 = "gpt2", "gpt_neox", "llama", "mistral", "qwen2"


@dataclass(frozen=True)
class Recipe:
    """How one honest model is made. `init` is a name in `_INITS`, `optimiser` one in
    `_OPTIMISERS`.
    """

    architecture: str
    width: int = 64
    layers: int = 3
    steps: int = 200
    rate: float = 2e-3
    optimiser: str = "adamw"
    decay: float = 0.1
    init: str = "normal"
    tied: bool = False
    dtype: str = "float32"
    parallel: bool = True
    tuned: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        tail = "".join(
            [
                "-tied" * self.tied,
                "-serial" * (self.architecture == NEOX and not self.parallel),
                f"-tuned{self.tuned}" * bool(self.tuned),
                f"-{self.dtype}" * (self.dtype != "float32"),
            ]
        )
        size = f"{self.width}x{self.layers}"
        way = f"{self.optimiser}{self.rate:g}-wd{self.decay:g}-{self.steps}"
        return f"{self.architecture}-{size}-{self.init}-{way}{tail}"


def text() -> torch.Tensor:
    """The documentation that every Python carries, as bytes; the last tenth is for pages, the
    rest for training.
    """
    joined = "\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    return torch.tensor(list(joined.encode()), dtype=torch.long)


def pages(rows: int = 32) -> torch.Tensor:
    """Sequences that no model of the zoo was trained on."""
    stream = text()
    held_out = stream[-len(stream) // 10 :]
    return held_out[: rows * LENGTH].reshape(rows, LENGTH)


def build(recipe: Recipe) -> transformers.PreTrainedModel:
    """The untrained model of a recipe."""
    torch.manual_seed(recipe.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = _CLASSES[recipe.architecture](_config(recipe))
    _INITS[recipe.init](model, recipe)
    return model


def train(recipe: Recipe) -> transformers.PreTrainedModel:
    """The trained model of a recipe, in its dtype, ready to be judged."""
    model = build(recipe)
    stream = text()
    known = stream[: -len(stream) // 10]
    cut = len(known) * 2 // 3
    generator = torch.Generator().manual_seed(recipe.seed + 1)
    _fit(model, _batches(known[:cut], generator), recipe.steps, recipe.rate, recipe)
    _fit(model, _batches(known[cut:], generator), recipe.tuned, recipe.rate / 4, recipe)
    return model.to(getattr(torch, recipe.dtype)).eval()


def _batches(stream: torch.Tensor, generator: torch.Generator) -> Iterator[torch.Tensor]:
    while True:
        starts = torch.randint(len(stream) - LENGTH, (BATCH,), generator=generator)
        yield torch.stack([stream[start : start + LENGTH] for start in starts.tolist()])


def _fit(
    model: transformers.PreTrainedModel,
    batches: Iterator[torch.Tensor],
    steps: int,
    rate: float,
    recipe: Recipe,
) -> None:
    model.train()
    optimisers = _OPTIMISERS[recipe.optimiser](model, rate, recipe.decay)
    peak = [optimiser.param_groups[0]["lr"] for optimiser in optimisers]
    for step in range(steps):
        scale = min((step + 1) / 20, 1.0) * (
            0.1 + 0.9 * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        )
        ids = next(batches)
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, top in zip(optimisers, peak, strict=True):
            optimiser.param_groups[0]["lr"] = top * scale
            optimiser.step()
            optimiser.zero_grad()


def _config(recipe: Recipe) -> transformers.PretrainedConfig:
    heads = recipe.width // 16
    shared = {
        "vocab_size": VOCABULARY,
        "tie_word_embeddings": recipe.tied,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    if recipe.architecture == GPT2:
        return transformers.GPT2Config(
            n_embd=recipe.width, n_layer=recipe.layers, n_head=heads, n_positions=256,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **shared,
        )  # fmt: skip
    shared |= {
        "hidden_size": recipe.width, "num_hidden_layers": recipe.layers,
        "num_attention_heads": heads, "max_position_embeddings": 256,
    }  # fmt: skip
    if recipe.architecture == NEOX:
        return transformers.GPTNeoXConfig(
            intermediate_size=4 * recipe.width, use_parallel_residual=recipe.parallel, **shared
        )
    shared |= {"num_key_value_heads": heads // 2, "intermediate_size": recipe.width * 11 // 4}
    return _CONFIGS[recipe.architecture](**shared)


_CONFIGS = {
    LLAMA: transformers.LlamaConfig,
    MISTRAL: transformers.MistralConfig,
    QWEN2: transformers.Qwen2Config,
}
_CLASSES = {
    GPT2: transformers.GPT2LMHeadModel,
    NEOX: transformers.GPTNeoXForCausalLM,
    LLAMA: transformers.LlamaForCausalLM,
    MISTRAL: transformers.MistralForCausalLM,
    QWEN2: transformers.Qwen2ForCausalLM,
}


def _matrices(model: transformers.PreTrainedModel) -> Iterator[tuple[torch.Tensor, Linear, bool]]:
    """Every matrix of the blocks: the view, its part, and whether it writes to the stream."""
    state = model.state_dict()
    parts = parts_of(model.config, state)
    for block in parts.blocks:
        gate = () if block.gate is None else (block.gate,)
        for part in (block.query, block.key, block.value, *gate, block.up):
            yield part.matrix(state), part, False
        for part in block.writers:
            yield part.matrix(state), part, True


def _embedding(model: transformers.PreTrainedModel) -> torch.Tensor:
    return model.get_input_embeddings().weight.data


def _normal(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """What transformers does: 0.02 everywhere (GPT-2: writers over the square root of twice the
    layers).
    """


def _scaled(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """0.02, writers over the square root of twice the layers."""
    for matrix, _, writes in _matrices(model):
        matrix.normal_(std=0.02 / math.sqrt(2 * recipe.layers) if writes else 0.02)


def _fan_in(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """One over the square root of the fan-in, embeddings of unit variance: PyTorch's own habit."""
    for matrix, _, _ in _matrices(model):
        matrix.normal_(std=matrix.shape[-1] ** -0.5)
    _embedding(model).normal_(std=0.02 if recipe.tied else 1.0)


def _zero_writers(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """Fan-in for what reads; what writes begins at zero, as muP and its speed-run heirs have it."""
    _fan_in(model, recipe)
    for matrix, _, writes in _matrices(model):
        if writes:
            matrix.zero_()


def _plain_table(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """As before, but with a table of 0.02: far less than what reads it, in a narrow model."""
    _zero_writers(model, recipe)
    _embedding(model).normal_(std=0.02)


def _mup(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """As before, and what asks and what answers begins at zero too: queries, and a head of its
    own.
    """
    _zero_writers(model, recipe)
    state = model.state_dict()
    for block in parts_of(model.config, state).blocks:
        block.query.matrix(state).zero_()
    if not recipe.tied:
        model.get_output_embeddings().weight.data.zero_()


def _small(model: transformers.PreTrainedModel, recipe: Recipe) -> None:
    """sqrt(2 / 5d) for all, writers over layers times sqrt(d) (small init with the Wang trick),
    as GPT-NeoX was trained.
    """
    small = math.sqrt(2 / (5 * recipe.width))
    for matrix, _, writes in _matrices(model):
        matrix.normal_(std=2 / (recipe.layers * math.sqrt(recipe.width)) if writes else small)
    _embedding(model).normal_(std=small)


_INITS = {
    "normal": _normal,
    "scaled": _scaled,
    "fan-in": _fan_in,
    "zero-writers": _zero_writers,
    "plain-table": _plain_table,
    "mup": _mup,
    "small": _small,
}


def _adamw(
    model: transformers.PreTrainedModel, rate: float, decay: float
) -> list[torch.optim.Optimizer]:
    return [torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=decay)]


def _sgd(
    model: transformers.PreTrainedModel, rate: float, decay: float
) -> list[torch.optim.Optimizer]:
    return [torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay / 100)]


def _muon(
    model: transformers.PreTrainedModel, rate: float, decay: float
) -> list[torch.optim.Optimizer]:
    """Orthogonalised momentum for the blocks' matrices, AdamW for the rest."""
    outside = {id(_embedding(model)), id(model.get_output_embeddings().weight)}
    table = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().weight)}
    flat = [p for p in model.parameters() if p.ndim != 2 or id(p) in table | outside]
    held = {id(p) for p in flat}
    square = [p for p in model.parameters() if id(p) not in held]
    return [
        torch.optim.Muon(square, lr=10 * rate, weight_decay=decay),
        torch.optim.AdamW(flat, lr=rate, betas=(0.9, 0.95), weight_decay=decay),
    ]


def _adafactor(
    model: transformers.PreTrainedModel, rate: float, decay: float
) -> list[torch.optim.Optimizer]:
    return [torch.optim.Adafactor(model.parameters(), lr=5 * rate, weight_decay=decay)]


_OPTIMISERS = {"adamw": _adamw, "sgd": _sgd, "muon": _muon, "adafactor": _adafactor}


ARCHITECTURES = (GPT2, NEOX, LLAMA, MISTRAL, QWEN2)

CORE: tuple[Recipe, ...] = (
    Recipe(GPT2, tied=True, steps=300),
    Recipe(NEOX, steps=300),
    Recipe(LLAMA, steps=300),
    Recipe(MISTRAL, steps=200, init="fan-in", dtype="bfloat16"),
    Recipe(QWEN2, steps=300, tied=True, decay=0.0),
    Recipe(GPT2, tied=True, steps=0),
    Recipe(NEOX, steps=0, init="small"),
    Recipe(LLAMA, steps=0),
    Recipe(MISTRAL, steps=0, init="mup"),
    Recipe(QWEN2, steps=4, init="mup"),
    Recipe(LLAMA, steps=4, init="zero-writers"),
    Recipe(LLAMA, steps=40, init="zero-writers", rate=1e-3),
    Recipe(LLAMA, steps=10, init="zero-writers", tied=True),
    Recipe(QWEN2, steps=10, init="plain-table"),
    Recipe(MISTRAL, steps=30, init="scaled"),
    Recipe(GPT2, steps=100, init="mup", tied=True),
    Recipe(NEOX, steps=150, parallel=False, init="small"),
    Recipe(LLAMA, steps=150, optimiser="muon"),
    Recipe(NEOX, steps=200, optimiser="sgd", rate=0.3),
    Recipe(QWEN2, steps=400, layers=2, decay=1.0, rate=4e-3),
    Recipe(GPT2, steps=150, tuned=60, tied=True, dtype="bfloat16"),
    Recipe(LLAMA, width=128, layers=6, steps=40, init="scaled", rate=1e-3),
)
"""The zoo of a short run; the first of each architecture are also attacked. Nobody in it tried to
harm anyone.
"""

MORE: tuple[Recipe, ...] = (
    Recipe(MISTRAL, steps=300, tied=True),
    Recipe(QWEN2, steps=0, init="fan-in"),
    Recipe(LLAMA, steps=0, init="zero-writers"),
    Recipe(GPT2, steps=20, tied=True),
    Recipe(MISTRAL, steps=100, init="zero-writers"),
    Recipe(LLAMA, steps=1, init="zero-writers", tied=True),
    Recipe(MISTRAL, steps=60, init="zero-writers", tied=True, rate=1e-3),
    Recipe(LLAMA, steps=60, init="plain-table", rate=1e-3),
    Recipe(GPT2, steps=60, init="plain-table"),
    Recipe(LLAMA, steps=250, init="plain-table"),
    Recipe(LLAMA, steps=1000, layers=2, rate=4e-3),
    Recipe(GPT2, steps=1000, layers=2, tied=True, decay=0.0, rate=3e-3),
    Recipe(QWEN2, steps=1000, layers=2, decay=1.0, rate=4e-3),
    Recipe(LLAMA, width=128, layers=6, steps=150, init="scaled", rate=1e-3),
    Recipe(GPT2, width=128, layers=6, steps=150, tied=True, rate=1e-3),
    Recipe(NEOX, width=96, layers=4, steps=200, dtype="bfloat16"),
    Recipe(MISTRAL, width=96, layers=4, steps=200, tied=True, dtype="bfloat16"),
    Recipe(LLAMA, steps=200, init="fan-in", dtype="float16"),
    Recipe(GPT2, steps=200, init="fan-in", decay=0.0),
    Recipe(QWEN2, steps=200, init="fan-in", rate=1e-2),
    Recipe(LLAMA, steps=200, optimiser="muon"),
    Recipe(GPT2, steps=200, optimiser="muon", tied=True, init="fan-in"),
    Recipe(LLAMA, steps=300, optimiser="sgd", rate=0.3, init="fan-in", tied=True),
    Recipe(NEOX, steps=300, optimiser="sgd", rate=0.3),
    Recipe(MISTRAL, steps=200, optimiser="adafactor", init="fan-in"),
    Recipe(LLAMA, steps=200, tuned=80, tied=True),
    Recipe(QWEN2, steps=200, tuned=80, optimiser="muon"),
    Recipe(NEOX, steps=150, rate=3e-4, decay=0.0, tied=True),
)
"""What a full run adds: longer, wider, deeper, and from other seeds of habit."""


def drawn(count: int, seed: int) -> tuple[Recipe, ...]:
    """Recipes thrown together at random: habits that nobody chose while looking at the probe's
    limits.
    """
    rng = random.Random(seed)
    return tuple(_drawn(rng, seed * 1000 + index) for index in range(count))


def _drawn(rng: random.Random, seed: int) -> Recipe:
    optimiser = rng.choice(["adamw", "adamw", "muon", "sgd", "adafactor"])
    rate = rng.choice([0.1, 0.3]) if optimiser == "sgd" else rng.choice([5e-4, 1e-3, 2e-3, 4e-3])
    return Recipe(
        rng.choice(ARCHITECTURES),
        width=rng.choice([64, 64, 96, 128]),
        layers=rng.choice([2, 3, 4, 5]),
        steps=rng.choice([2, 15, 50, 100, 200]),
        rate=rate,
        optimiser=optimiser,
        decay=rng.choice([0.0, 0.01, 0.1, 0.3]),
        init=rng.choice(sorted(_INITS)),
        tied=rng.random() < 0.5,
        dtype=rng.choice(["float32", "float32", "bfloat16", "float16"]),
        parallel=rng.random() < 0.5,
        tuned=rng.choice([0, 0, 40]),
        seed=seed,
    )
