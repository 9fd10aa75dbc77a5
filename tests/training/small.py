"""A competition for models that train in seconds, and runs for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from iotapretrain.data.page_cache import PageCache
from iotapretrain.observe.events import TrainStep
from iotapretrain.observe.read_records import read_events
from iotapretrain.observe.sink import Lines
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.schedule_file import parse
from iotapretrain.training.plan import RunPlan
from iotapretrain.training.planning import Start, TrainingSite, make_plan
from iotapretrain.training.recipe import (
    DataTable,
    MixPart,
    OptimiserTable,
    RunTable,
    TrainingRecipe,
)
from iotapretrain.training.trainer import Trained, train

FILE = """
[architectures]
any = ["GPT2LMHeadModel", "GPTNeoXForCausalLM", "LlamaForCausalLM", "Qwen2ForCausalLM"]
[tasks]
prose = [{ name = "PROSE", dataset = "python-docs", pages = 1, weight = 1.0 }]
[[competition]]
name = "small"
id = 0
parameters = [20_000, 80_000]
sequence_length = 32
tokenizer = "bytes"
max_bytes = 2_000_000
architectures = "any"
dtype = "float32"
tasks = "prose"
epsilon = { type = "fixed", epsilon = 0.005 }
    [[competition.active]]
    from = 0
    share = 1.0
"""
COMPETITION: Competition = parse(FILE, "small.toml").competitions[0]
RUN = {"batch": 16, "at_once": 8, "evaluate_steps": 5, "checkpoint_seconds": 0.0}


def recipe(**changes: Any) -> TrainingRecipe:
    """A recipe that takes a second; a table adds to what is usual here."""
    given = {"steps": 10, "size": 25_000} | changes
    tables = {
        "data": DataTable(**{"mix": (MixPart("python-docs", 1.0),), **changes.get("data", {})}),
        "optimiser": OptimiserTable(**changes.get("optimiser", {})),
        "run": RunTable(**{**RUN, **changes.get("run", {})}),
    }
    return TrainingRecipe(**(given | tables))


def plan(cache: PageCache, start: Start | None = None, **changes: Any) -> RunPlan:
    return make_plan(recipe(**changes), COMPETITION, TrainingSite(cache), start)


def run_in(folder: Path, made: RunPlan, cache: PageCache, **options: Any) -> Trained:
    """Train as one process with one thread, and leave records."""
    torch.set_num_threads(1)
    sink = Lines(folder / "records.jsonl")
    try:
        return train(made, folder, sink, cache, **options)
    finally:
        sink.close()


def losses(folder: Path) -> dict[int, set[float]]:
    """Every loss that was ever recorded for a step."""
    found: dict[int, set[float]] = {}
    for event in read_events(folder / "records.jsonl"):
        if isinstance(event, TrainStep):
            found.setdefault(event.step, set()).add(event.loss)
    return found


def sit(folder: str, encoded: bytes, cache: str) -> None:
    """One sitting, for a process of its own; its output is nobody's business."""
    import msgspec

    os.setpgrp()
    run_in(Path(folder), msgspec.json.decode(encoded, type=RunPlan), PageCache(Path(cache)))
