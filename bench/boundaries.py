"""python -m bench.boundaries [--json] [--folder DIR] [--tokens N] [--seeds N] [--only WORDS]

What a narrow boundary costs, beside what depth is worth. A decoder of three stages of one block
is trained on the bytes of Python's code, with every kind of boundary and several widths: same
tokens, steps, order and optimiser. Each has three peers: all channels (`plain`), the same with the
token tables (`tables`), and the last stage `alone`, with an embedding of its own. The figure is the
share of the depth gain that survives: (alone - bounded) / (alone - plain), in nats of held-out
loss.

Every trial is written to DIR as it ends, and a second call goes on behind it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from iotapretrain.data.page_cache import PageCache, default_folder
from iotapretrain.models.losses import OutputHead
from iotapretrain.models.stages.boundaries import (
    NORM_EPSILON,
    AnchoredBoundary,
    Boundary,
    ResidualBoundary,
)
from iotapretrain.models.stages.staged_config import StagedConfig
from iotapretrain.models.stages.staged_model import StagedForCausalLM, first_values
from iotapretrain.training.network import mean_label_loss
from iotapretrain.training.optimiser import adamw, muon
from iotapretrain.training.plan import DataPlan, OptimiserPlan, RateSchedule, SourcePlan
from iotapretrain.training.reading import BatchReader, held_out
from iotapretrain.training.stage_state import StateLayout

VOCABULARY, LENGTH, BATCH, STAGES = 257, 257, 8, 3
HELD_OUT = 256
RATES = {"muon": 1e-2, "adamw": 2e-3}
SCHEDULE = RateSchedule(warmup=0.05)


@dataclass(frozen=True)
class Trial:
    """One model to be trained."""

    kind: str
    ratio: int = 1
    wire: str = "bfloat16"
    optimiser: str = "muon"
    seed: int = 1

    @property
    def name(self) -> str:
        return f"{self.kind} {self.ratio}x {self.wire} {self.optimiser}"


# --- what was tried beside the kinds that stand ---------------------------------------------------


class Tables(Boundary):
    """All channels, and the token tables of an anchored boundary."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.anchors = nn.Embedding(config.vocab_size, config.hidden_size)

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        return y + self.anchors(tokens)


class UnnormedResidual(ResidualBoundary):
    """The stream is encoded as it is."""

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.encoder(x) + x[..., : self.width]
        return y


class Unnormed(UnnormedResidual, AnchoredBoundary):
    """The same, with the token tables."""


class NormedRows(AnchoredBoundary):
    """What travels is normed too."""

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        y = super().encode(x, tokens)
        return functional.rms_norm(y, y.shape[-1:], eps=NORM_EPSILON)


class Blank(AnchoredBoundary):
    """Nothing travels: what the tables alone are worth."""

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return super().encode(x, tokens) * 0


class Subtracted(AnchoredBoundary):
    """The token's part is taken off before encoding, by a table of the sender's."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.anchors = nn.Embedding(config.vocab_size, config.hidden_size)

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return super().encode(x - self.anchors(tokens), tokens)


class LowRank(ResidualBoundary):
    """A table of narrow rows, widened."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.narrow_anchors = nn.Embedding(config.vocab_size, config.hidden_size // 8)
        self.widen = nn.Linear(config.hidden_size // 8, config.hidden_size, bias=False)

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        return super().decode(y, tokens) + self.widen(self.narrow_anchors(tokens))


class Pairs(AnchoredBoundary):
    """A second table by the last two tokens, hashed into four times the vocabulary."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        self.places = 4 * config.vocab_size
        self.anchors = nn.Embedding(self.places, config.hidden_size)

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        before = torch.cat([tokens[:, :1], tokens[:, :-1]], 1)
        return super().decode(y, tokens) + self.anchors((before * 7919 + tokens) % self.places)


class Linear(AnchoredBoundary):
    """One matrix either way, no channels beside them."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        wide, narrow = config.hidden_size, config.width
        self.encoder = nn.Linear(wide, narrow, bias=False)
        self.decoder["project"] = nn.Linear(narrow, wide, bias=False)

    def encode(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return self.encoder(functional.rms_norm(x, x.shape[-1:], eps=NORM_EPSILON))

    def decode(self, y: torch.Tensor, tokens: torch.Tensor, past: object = None) -> torch.Tensor:
        return self.decoder["project"](y) + self.decoder["anchors"](tokens)


class Wide(AnchoredBoundary):
    """The small networks are as wide in the middle as the stream."""

    def __init__(self, config: StagedConfig, number: int = 0) -> None:
        super().__init__(config, number)
        wide, narrow = config.hidden_size, config.width
        ends = ((self.encoder, wide, narrow), (self.decoder["project"], narrow, wide))
        for end, first, last in ends:
            end[0], end[2] = nn.Linear(first, wide, bias=False), nn.Linear(wide, last, bias=False)


VARIANTS: dict[str, type[Boundary]] = {
    "tables": Tables,
    "blank": Blank,
    "unnormed": Unnormed,
    "unnormed-residual": UnnormedResidual,
    "normed-rows": NormedRows,
    "subtracted": Subtracted,
    "low-rank": LowRank,
    "pairs": Pairs,
    "linear": Linear,
    "wide": Wide,
}


# --- one trial ------------------------------------------------------------------------------------


def run_trial(trial: Trial, width: int, tokens: int) -> dict[str, object]:
    """Train it; its held-out loss."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    model = _model(trial, width)
    data, cache = _data(), PageCache(default_folder())
    reader = BatchReader(data, trial.seed, cache, range(BATCH))
    optimisers = _optimisers(model, trial.optimiser)
    steps = tokens // (BATCH * (LENGTH - 1))
    for step in range(steps):
        _loss(model, reader.take(BATCH)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = RATES[trial.optimiser] * SCHEDULE.share(step, steps)
            optimiser.step()
            optimiser.zero_grad()
    reader.close()
    rows = held_out(data, trial.seed, cache)
    with torch.no_grad():
        losses = [_loss(model, part).item() for part in rows.split(16)]
    seconds = time.perf_counter() - started
    parameters = sum(each.numel() for each in model.parameters())
    return asdict(trial) | {
        "width": width,
        "tokens": tokens,
        "parameters": parameters,
        "loss": statistics.fmean(losses),
        "seconds": round(seconds, 1),
    }


def _model(trial: Trial, width: int) -> StagedForCausalLM:
    variant = VARIANTS.get(trial.kind)
    kind = "plain" if trial.kind in ("alone", "tables") else "anchored" if variant else trial.kind
    stages = 1 if trial.kind == "alone" else STAGES
    config = StagedConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=round(width * 8 / 3 / 32) * 32,
        num_hidden_layers=stages,
        num_attention_heads=width // 32,
        num_key_value_heads=width // 32,
        head_dim=32,
        max_position_embeddings=LENGTH,
        stage_blocks=[1] * stages,
        boundary=kind,
        boundary_width=width // trial.ratio,
        wire=trial.wire,
    )
    model = StagedForCausalLM(config)
    if variant is not None:
        model.model.boundaries = nn.ModuleList(variant(config) for _ in range(STAGES - 1))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(first_values(config, name, parameter.shape, trial.seed))
    return model.train()


def _loss(model: StagedForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(rows[:, :-1])[0]
        return mean_label_loss(OutputHead.of(model), hidden, rows[:, 1:])


def _optimisers(model: StagedForCausalLM, name: str) -> list[torch.optim.Optimizer]:
    plan = OptimiserPlan(RATES[name], name)
    parameters = dict(model.named_parameters())
    layout = StateLayout({key: each.shape for key, each in parameters.items()}, name)
    matrices = [parameters[key] for key in layout.matrices]
    rest = [each for key, each in parameters.items() if key not in layout.matrices]
    decayed = [each for each in rest if each.ndim > 1]
    found = [adamw(decayed, [each for each in rest if each.ndim < 2], plan)]
    return [*found, muon(matrices, plan)] if matrices else found


def _data() -> DataPlan:
    source = SourcePlan("python-code", None, 1.0, page_rows=4, held_out=16)
    return DataPlan((source,), "bytes", LENGTH, BATCH, HELD_OUT)


# --- all of them ----------------------------------------------------------------------------------


def trials(seeds: int) -> Iterator[Trial]:
    """What is tried: what is compared most comes first."""
    numbers = range(1, seeds + 1)
    for seed in numbers:
        for kind in ("plain", "alone", "tables"):
            yield Trial(kind, seed=seed)
        for kind in ("anchored", "residual", "unnormed", "unnormed-residual", "normed-rows"):
            yield from (Trial(kind, ratio, seed=seed) for ratio in (16, 64))
    for kind in ("anchored", "residual"):
        yield Trial(kind, 64, optimiser="adamw")
    for ratio in (16, 64):
        yield Trial("anchored", ratio, "int8")
    for kind in ("blank", "partial", "linear", "pairs", "subtracted", "low-rank", "wide"):
        yield Trial(kind, 64)
    for ratio in (8, 32, 128):
        yield Trial("anchored", ratio)
    for seed in numbers:
        for kind, ratio in (("plain", 1), ("alone", 1), ("anchored", 64), ("anchored", 16)):
            yield Trial(kind, ratio, optimiser="adamw", seed=seed)
        yield from (Trial("anchored", ratio, "int8", seed=seed) for ratio in (16, 64))
        yield from (Trial("anchored", ratio, seed=seed) for ratio in (128, 8, 32))
        yield Trial("residual", 64, optimiser="adamw", seed=seed)
    for kind in ("partial", "linear", "pairs"):
        yield Trial(kind, 16)
    for ratio in (8, 32, 128):
        yield Trial("residual", ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, default=Path("bench-boundaries"))
    parser.add_argument("--tokens", type=int, default=600_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="trials whose name holds one of these words")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    path = given.folder / f"trials-{given.width}-{given.tokens}.jsonl"
    done = {_key(each) for each in _read(path)}
    words = given.only.split()
    wanted = [
        each
        for each in dict.fromkeys(trials(given.seeds))
        if _key(asdict(each)) not in done and (not words or any(w in each.name for w in words))
    ]
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        futures = [pool.submit(run_trial, each, given.width, given.tokens) for each in wanted]
        for future in as_completed(futures):
            with path.open("a") as file:
                file.write(json.dumps(future.result()) + "\n")
    figures = list(summary(_read(path)))
    if given.json:
        print(json.dumps({"bench": "boundaries", "figures": figures}, indent=2))
        return
    for each in figures:
        print(f"{each['name']:32} {each['loss']:.4f} +-{each['spread']:.4f} kept {each['kept']}")


def summary(results: Iterable[dict]) -> Iterator[dict[str, object]]:
    """A row a kind: mean loss over seeds, its spread, and what it keeps of the depth gain."""
    by_name: dict[str, list[dict]] = {}
    for each in results:
        trial = Trial(**{key: each[key] for key in ("kind", "ratio", "wire", "optimiser", "seed")})
        by_name.setdefault(trial.name, []).append(each)
    for name, rows in by_name.items():
        losses = [each["loss"] for each in rows]
        optimiser = rows[0]["optimiser"]
        peers = [by_name.get(f"{kind} 1x bfloat16 {optimiser}") for kind in ("plain", "alone")]
        plain, alone = ({each["seed"]: each["loss"] for each in peer or []} for peer in peers)
        kept = [
            (alone[each["seed"]] - each["loss"]) / (alone[each["seed"]] - plain[each["seed"]])
            for each in rows
            if each["seed"] in plain and each["seed"] in alone
        ]
        yield {
            "name": name,
            "loss": statistics.fmean(losses),
            "spread": statistics.stdev(losses) if len(losses) > 1 else math.nan,
            "seeds": len(losses),
            "kept": round(statistics.fmean(kept), 3) if kept else None,
            "kept_spread": round(statistics.stdev(kept), 3) if len(kept) > 1 else None,
            "parameters": rows[0]["parameters"],
        }


def _key(trial: dict) -> tuple[object, ...]:
    return tuple(trial[key] for key in ("kind", "ratio", "wire", "optimiser", "seed"))


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
