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
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import nn

from bench.boundary_variants import VARIANTS
from iotapretrain.arena.incentives.figure import BLUE, GREY, Drawing, save
from iotapretrain.data.page_cache import PageCache, default_folder
from iotapretrain.models.losses import OutputHead
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

Losses = Mapping[int, float]
"""By seed."""


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
        "loss": fmean(losses),
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
    parser.add_argument("--plot", type=Path, help="a PNG of what every kind keeps")
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
    kinds = sorted(summary(_read(path)), key=lambda each: each.name)
    if given.plot:
        save(given.plot, partial(draw, kinds))
    if given.json:
        figures = [asdict(each) for each in kinds]
        print(json.dumps({"bench": "boundaries", "figures": figures}, indent=2))
        return
    for each in kinds:
        print(f"{each.name:34} {len(each.losses)} seeds, loss {fmean(each.losses):.4f}, {each}")


@dataclass(frozen=True)
class Kept:
    """By seed: what is kept of the depth gain, of that with tables; the loss above plain."""

    name: str
    parameters: int
    losses: list[float]
    kept: list[float]
    beside_tables: list[float]
    gap: list[float]

    def __str__(self) -> str:
        return (
            f"kept {_spread(self.kept)}, beside tables {_spread(self.beside_tables)},"
            f" above plain {_spread([100 * each for each in self.gap])} %"
        )


def _spread(values: list[float]) -> str:
    if len(values) < 2:
        return "".join(f"{each:.2f}" for each in values) or "-"
    return f"{fmean(values):.2f} +- {stdev(values):.2f}"


def summary(results: Iterable[dict]) -> Iterator[Kept]:
    """A row a kind; shares are taken within a seed: losses of two seeds differ by far more."""
    by_name: dict[str, dict[int, dict]] = {}
    for each in results:
        trial = Trial(*_key(each))
        by_name.setdefault(trial.name, {})[trial.seed] = each
    for name, rows in by_name.items():
        optimiser = next(iter(rows.values()))["optimiser"]
        losses = {seed: each["loss"] for seed, each in rows.items()}
        plain, alone, tables = (
            {
                seed: each["loss"]
                for seed, each in by_name.get(f"{kind} 1x bfloat16 {optimiser}", {}).items()
            }
            for kind in ("plain", "alone", "tables")
        )
        yield Kept(
            name,
            next(iter(rows.values()))["parameters"],
            list(losses.values()),
            _shares(losses, alone, plain),
            _shares(losses, alone, tables),
            [loss / plain[seed] - 1 for seed, loss in losses.items() if seed in plain],
        )


def _shares(losses: Losses, alone: Losses, whole: Losses) -> list[float]:
    """Of what lies between two peers, by seed."""
    return [
        (alone[seed] - loss) / (alone[seed] - whole[seed])
        for seed, loss in losses.items()
        if seed in alone and seed in whole
    ]


def draw(kinds: list[Kept], figure: Drawing) -> None:
    """A bar a kind that has a share, a dot a seed."""
    shown = [each for each in kinds if each.kept and not each.name.startswith(("alone", "plain"))]
    axes = figure.subplots()
    figure.set_figheight(0.9 + 0.2 * len(shown))
    for place, each in enumerate(shown):
        axes.barh(place, fmean(each.kept), color=BLUE, alpha=0.5)
        axes.plot(each.kept, [place] * len(each.kept), ".", color=BLUE)
    axes.axvline(1, color=GREY, linewidth=0.9, linestyle=":")
    axes.set_yticks(range(len(shown)), [each.name for each in shown])
    axes.invert_yaxis()
    axes.set(xlim=(-2, 2.2), title="Share of the depth gain kept (1 is all channels)")


def _key(trial: dict) -> tuple[object, ...]:
    return tuple(trial[key] for key in ("kind", "ratio", "wire", "optimiser", "seed"))


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
