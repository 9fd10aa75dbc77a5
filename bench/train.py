"""python -m bench.train [--json] [--gpu]: what records, checkpoints and streaming cost a run.

Our loop, with text from a source, records of every step, and every 72 steps (some ten seconds) a
measurement on held-out text and a checkpoint, against `bench.plain.train`: the same model, rows of
the same text that lie ready in memory, AdamW, nothing else. On the CPU one thread works and the
process's own time counts, so that neighbours on the machine disturb little. Then how long a run
takes to come back from a checkpoint of 1 GB, beyond reading its files. With --gpu, and where one is
there, the share of the measured matrix peak that a 1B-shaped model in bfloat16 reaches.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path

import torch
import transformers
from msgspec.structs import replace

from bench.measure import Figure, alternate, arguments, report
from bench.plain import train as plain
from iotapretrain.cli.workplace import find_competition
from iotapretrain.data.page_cache import PageCache
from iotapretrain.models.header_checks import Limits
from iotapretrain.observe.sink import Lines
from iotapretrain.training import shape
from iotapretrain.training.plan import RunPlan
from iotapretrain.training.planning import TrainingSite, make_plan
from iotapretrain.training.ranks import alone
from iotapretrain.training.reading import BatchReader
from iotapretrain.training.recipe import (
    DataTable,
    MixPart,
    OptimiserTable,
    RunTable,
    TrainingRecipe,
)
from iotapretrain.training.speed import matmul_peak
from iotapretrain.training.stopping import StopLimits, Wish
from iotapretrain.training.trainer import Trainer

STEPS = 72
BATCH = 16
SPEED, RESUME_SECONDS, MFU = 0.97, 5.0, 0.45
RUN = RunTable(batch=BATCH, at_once=BATCH, evaluate_steps=STEPS, report_steps=1)
RECIPE = TrainingRecipe(
    competition="tiny/nano",
    steps=100 * STEPS,
    data=DataTable(
        mix=(MixPart("python-docs", 0.7), MixPart("python-code", 0.3)),
        held_out_sequences=BATCH // 2,
    ),
    optimiser=OptimiserTable(name="adamw"),
    run=RUN,
)
GIGABYTE = 83_000_000
"""Parameters whose weights and two moments take 1 GB in float32."""


def main() -> None:
    options = arguments(__doc__)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cache = PageCache(Path(folder) / "cache")
        figures = [*speed(Path(folder), cache), resume(Path(folder), cache)]
        if options.gpu:
            figures.append(utilisation(Path(folder), cache))
    report("train", figures, options.json)


def trainer(plan: RunPlan, run: Path, cache: PageCache) -> Trainer:
    """A run that stands ready for its next step."""
    run.mkdir(parents=True, exist_ok=True)
    ready = Trainer(plan, run, Lines(run / "records.jsonl"), cache, alone(), print)
    ready.begin(None)
    return ready


def speed(folder: Path, cache: PageCache) -> list[Figure]:
    """Tokens a second beside the bare loop, and the share of the matrix peak."""
    plan = make_plan(RECIPE, find_competition("tiny/nano"), TrainingSite(cache))
    ours = trainer(plan, folder / "run", cache)
    reader = BatchReader(plan.data, 1, cache, range(plan.data.lanes))
    batches = [reader.take(BATCH) for _ in range(STEPS)]
    reader.close()
    config = transformers.LlamaConfig(**{k: v for k, v in plan.model.items() if k != "model_type"})
    model = transformers.LlamaForCausalLM(config)

    def bare() -> None:
        plain.train(model, batches, 1e-4, torch.float32)

    def whole() -> None:
        ours.go(StopLimits(steps=ours.step + STEPS), Wish())

    whole(), bare()
    seconds, bare_seconds = alternate(whole, bare, clock=time.process_time)
    ours.close()
    tokens = STEPS * plan.step_tokens
    ratio = bare_seconds / seconds
    peak = matmul_peak(alone().device, torch.float32, time.process_time)
    share = ours.flops_per_token * tokens / seconds / peak
    return [
        Figure(
            "speed of the loop",
            "tokens/s of processor time",
            tokens / seconds,
            tokens / bare_seconds,
            ratio,
            f">= {SPEED} x the bare loop",
            ratio >= SPEED,
        ),
        Figure("share of the float32 matrix peak", "share", share, None, None, None, None),
    ]


def _room(smallest: int, largest: int, vocabulary: int, positions: int) -> Limits:
    bounds = {"min_parameters": smallest, "max_parameters": largest, "sequence_length": positions}
    constraints = find_competition("tiny/nano").constraints
    return Limits(dataclasses.replace(constraints, **bounds), vocabulary)


def resume(folder: Path, cache: PageCache) -> Figure:
    """Seconds from a checkpoint of 1 GB to the next step, beyond reading its files."""
    room = _room(GIGABYTE // 2, GIGABYTE * 2, 257, 128)
    document = shape.derived(GIGABYTE, "LlamaForCausalLM", room, {})
    short = replace(
        RECIPE,
        data=replace(RECIPE.data, held_out_sequences=1),
        run=replace(RUN, batch=16, at_once=1, keep=1),
    )
    plan = make_plan(short, find_competition("tiny/nano"), TrainingSite(cache))
    plan = replace(plan, model=document, batch=16)
    run = folder / "large"
    first = trainer(plan, run, cache)
    first.go(StopLimits(steps=1), Wish())
    first.close()
    files = [path for path in (run / "checkpoints").rglob("*") if path.is_file()]

    def read() -> None:
        for path in files:
            path.read_bytes()

    def come_back() -> None:
        trainer(plan, run, cache).close()

    back, reading = alternate(come_back, read)
    size = sum(path.stat().st_size for path in files) / 1e9
    beyond = back - reading
    return Figure(
        f"resume from {size:.2f} GB beyond reading it",
        "s",
        beyond,
        reading,
        None,
        f"<= {RESUME_SECONDS} s",
        beyond <= RESUME_SECONDS,
    )


def utilisation(folder: Path, cache: PageCache) -> Figure:
    """MFU of a 1B-shaped model in bfloat16: vocabulary 50,304, sequences of 2,048."""
    room = _room(900_000_000, 1_100_000_000, 50_304, 2_048)
    document = shape.derived(1_000_000_000, "LlamaForCausalLM", room, {})
    plan = make_plan(RECIPE, find_competition("tiny/nano"), TrainingSite(cache, gpu=True))
    plan = replace(
        plan,
        model=document,
        data=replace(plan.data, sequence_length=2_048),
        batch=32,
        at_once=8,
        evaluate_steps=10**6,
        precision="bfloat16",
        compile=True,
    )
    ready = trainer(plan, folder / "1B", cache)

    def whole() -> None:
        for _ in range(STEPS):
            loss, _ = ready.advance()
        loss.item()

    whole()
    (seconds,) = alternate(whole)
    ready.close()
    speed = STEPS * plan.step_tokens / seconds
    share = ready.flops_per_token * speed / matmul_peak(alone().device, torch.bfloat16)
    return Figure("MFU of 1B in bfloat16", "share", share, None, None, f">= {MFU}", share >= MFU)


if __name__ == "__main__":
    main()
