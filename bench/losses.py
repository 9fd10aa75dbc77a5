"""python -m bench.losses [--json] [--gpu]: how fast, exact and small the losses of a page are.

Peers, on the same model and tokens, in turns: the original's way (one sequence at a time, a cache
that nobody reads, all logits, cross-entropy) and lm-eval's `loglikelihood_rolling`. lm-eval is in
the extra `bench`. On the CPU one thread works and its own time counts, so that neighbours on the
machine disturb little. With --gpu, and where one is there, also a 7B-shaped model in bfloat16.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tokenizers
import torch
import transformers
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from bench.measure import Figure, alternate, arguments, report
from iotapretrain.models.config import read_config
from iotapretrain.models.layout import build
from iotapretrain.models.losses import mean_loss, token_losses

VOCABULARY = 50_257
LENGTH = 1_024
ROWS = 2
TARGETS = {torch.float32: (1.3, 1.6, 1e-5), torch.bfloat16: (1.7, 2.8, 5e-5)}
"""By dtype: times the original's speed, times lm-eval's, and the largest relative error."""
SMALLER = 0.1
WORDS = [f"<{number}>" for number in range(VOCABULARY)]

GPT2 = transformers.GPT2Config(
    n_embd=256, n_layer=8, n_head=8, n_positions=LENGTH, vocab_size=VOCABULARY
)
LLAMA = transformers.LlamaConfig(
    hidden_size=256,
    intermediate_size=688,
    num_hidden_layers=7,
    num_attention_heads=8,
    num_key_value_heads=4,
    vocab_size=VOCABULARY,
    max_position_embeddings=LENGTH,
    tie_word_embeddings=True,
)
SEVEN_BILLION = transformers.LlamaConfig(vocab_size=100_352, max_position_embeddings=4_096)

Model = transformers.PreTrainedModel


@dataclass(frozen=True)
class Subject:
    """A model under test as its author and as we build it, of the same weights; its tokens, and
    what the plain formula says in float32.
    """

    name: str
    model: Model
    rebuilt: Model
    ids: torch.Tensor
    exact: float

    def original(self) -> float:
        """As the original's scoring did it, cache and all."""
        losses = []
        for row in self.ids:
            logits = self.model(row[None]).logits
            shifted = logits[..., :-1, :].contiguous()
            labels = row[None, 1:].contiguous()
            loss = torch.nn.functional.cross_entropy(
                shifted.view(-1, shifted.shape[-1]), labels.view(-1)
            )
            losses.append(loss.item())
        return sum(losses) / len(losses)

    def ours(self) -> float:
        return mean_loss(token_losses(self.rebuilt, self.ids))


def subjects(dtype: torch.dtype) -> Iterator[Subject]:
    classes = (
        ("GPT-2-like", transformers.GPT2LMHeadModel, GPT2),
        ("Llama-like", transformers.LlamaForCausalLM, LLAMA),
    )
    for name, model_class, config in classes:
        torch.manual_seed(0)
        model = model_class(config).eval()
        ids = torch.randint(VOCABULARY, (ROWS, LENGTH))
        exact = Subject(name, model, model, ids, 0.0).original()
        millions = sum(each.numel() for each in model.parameters()) / 1e6
        label = f"{name} {millions:.1f}M {str(dtype).removeprefix('torch.')}"
        model.to(dtype)
        yield Subject(label, model, rebuilt(model), ids, exact)


def rebuilt(model: Model) -> Model:
    """The network that scoring would build from the model's configuration."""
    name = type(model).__name__
    document = json.loads(model.config.to_json_string()) | {"architectures": [name]}
    ours = build(read_config(json.dumps(document).encode(), [name]))
    ours.load_state_dict(model.state_dict(), assign=True)
    ours.tie_weights()
    return ours


def rolling(subject: Subject) -> Callable[[], object]:
    """lm-eval on the same tokens, through a tokenizer in which a word is a token."""
    words = {word: number for number, word in enumerate(WORDS)}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token=WORDS[0]))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=WORDS[1], pad_token=WORDS[1]
    )
    evaluator = HFLM(
        pretrained=subject.model, tokenizer=tokenizer, max_length=LENGTH, batch_size=1, device="cpu"
    )
    texts = [" ".join(WORDS[number] for number in row) for row in subject.ids.tolist()]
    requests = [
        Instance("loglikelihood_rolling", {}, (text,), number) for number, text in enumerate(texts)
    ]
    return lambda: evaluator.loglikelihood_rolling(requests, disable_tqdm=True)


def matmul_peak(
    dtype: torch.dtype, clock: Callable[[], float], device: str = "cpu", size: int = 2_048
) -> float:
    """The best of several large products, in operations a second."""
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    best = float("inf")
    for _ in range(8):
        started = clock()
        product = left @ right
        product[0, 0].item()
        best = min(best, clock() - started)
    return 2 * size**3 / best


def operations(model: Model, length: int) -> float:
    """Multiplications and additions a token: all matrices, and attention to half of the text."""
    config = model.config
    matrices = sum(
        each.numel()
        for name, each in model.named_parameters()
        if each.ndim == 2 and "wpe" not in name
    )
    if not config.tie_word_embeddings:
        matrices -= model.get_input_embeddings().weight.numel()
    return 2 * matrices + 2 * config.num_hidden_layers * length * config.hidden_size


def extra_memory(call: Callable[[], object]) -> float:
    """MiB at the peak of a call beyond what was resident before it."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    call()
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"bench.losses: this system does not say {key}")
    return int(found[1])


def ratio(name: str, unit: str, ours: float, peer: float, target: float) -> Figure:
    """More than the peer, at least `target` times."""
    return Figure(name, unit, ours, peer, ours / peer, f">= {target}x", ours / peer >= target)


def figures(subject: Subject, dtype: torch.dtype) -> Iterator[Figure]:
    over_original, over_rolling, tolerance = TARGETS[dtype]
    seconds = alternate(subject.ours, subject.original, rolling(subject), clock=time.thread_time)
    ours, original, peer = (ROWS * LENGTH / taken for taken in seconds)
    name = subject.name
    yield ratio(f"{name}: against the original", "tokens/s", ours, original, over_original)
    yield ratio(f"{name}: against lm-eval", "tokens/s", ours, peer, over_rolling)
    share = ours * operations(subject.model, LENGTH) / matmul_peak(dtype, time.thread_time)
    yield Figure(f"{name}: share of the matmul peak", "", share, None, None, None, None)
    error = abs(subject.ours() / subject.exact - 1)
    theirs = abs(subject.original() / subject.exact - 1)
    yield Figure(
        f"{name}: relative error of the loss",
        "",
        error,
        theirs,
        None,
        f"<= {tolerance:g}",
        error <= tolerance,
    )


def memory(subject: Subject) -> Figure:
    """Beyond the peak of the body alone; 0 where the tiles, which come after it, stay below."""

    def body() -> None:
        for row in subject.ids:
            subject.model.base_model(row[None], use_cache=False)

    subject.ours()  # once, for what libraries keep for ever
    shared = extra_memory(body)
    ours = max(extra_memory(subject.ours) - shared, 0)
    original = extra_memory(subject.original) - shared
    share = ours / original
    name = f"{subject.name}: extra memory for logits"
    return Figure(name, "MiB", ours, original, share, f"<= {SMALLER}x", share <= SMALLER)


def on_gpu() -> Iterator[Figure]:
    if not torch.cuda.is_available():
        return
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = transformers.LlamaForCausalLM(SEVEN_BILLION).eval()
        ids = torch.randint(SEVEN_BILLION.vocab_size, (4, 4_096))
    torch.set_default_dtype(torch.float32)
    (seconds,) = alternate(lambda: mean_loss(token_losses(model, ids)))
    rate = ids.numel() / seconds
    share = (
        rate
        * operations(model, 4_096)
        / matmul_peak(torch.bfloat16, time.perf_counter, "cuda", 8_192)
    )
    yield Figure("7B-shaped bfloat16 on a GPU", "tokens/s", rate, None, None, None, None)
    name = "7B-shaped bfloat16 on a GPU: share of the matmul peak"
    yield Figure(name, "", share, None, None, ">= 0.6", share >= 0.6)


def main() -> None:
    chosen = arguments(__doc__)
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    found: list[Figure] = []
    with torch.inference_mode():
        for dtype in TARGETS:
            for subject in subjects(dtype):
                found.append(memory(subject))
                found += figures(subject, dtype)
        if chosen.gpu:
            found += on_gpu()
    report("losses", found, chosen.json)


if __name__ == "__main__":
    main()
