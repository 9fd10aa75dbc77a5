"""Miners whose models really trained: a competition small enough for seconds, and its training."""

from __future__ import annotations

from pathlib import Path

import torch

from iotapretrain.data.page_cache import PageCache
from iotapretrain.observe.sink import NoSink
from iotapretrain.rules.competition.schedule_file import parse
from iotapretrain.training.planning import TrainingSite, make_plan
from iotapretrain.training.recipe import DataTable, RunTable, TrainingRecipe
from iotapretrain.training.trainer import train

SCHEDULE = """
sync_cadence = 5

[architectures]
small = ["GPT2LMHeadModel", "LlamaForCausalLM"]

[tasks]
both = [
    { name = "PROSE", dataset = "python-docs", pages = 2, sequences = 12, weight = 0.7 },
    { name = "CODE", dataset = "python-code", pages = 2, sequences = 12, weight = 0.3 },
]

[[competition]]
name = "atom"
id = 0
parameters = [60_000, 230_000]
sequence_length = 128
tokenizer = "bytes"
max_bytes = 2_000_000
architectures = "small"
dtype = "float32"
trainable = true
epsilon = { type = "linear", start = 0.01, end = 0.001, decay_blocks = 45 }
eval_block_delay = 2

    [[competition.active]]
    from = 0
    share = 1.0
    tasks = "both"
"""
COMPETITION = parse(SCHEDULE, "mini.toml").competitions[0]
SIZE = 120_000
RUN = RunTable(batch=32, report_steps=1000, evaluate_steps=1000, checkpoint_seconds=0.0)


def trained(folder: Path, steps: int, seed: int = 0) -> Path:
    """The folder of a model that trained for so many steps."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cache = PageCache(folder / "text")
    data = DataTable(held_out_sequences=16)
    recipe = TrainingRecipe(size=SIZE, steps=steps, seed=seed, data=data, run=RUN)
    plan = make_plan(recipe, COMPETITION, TrainingSite(cache))
    done = train(plan, folder / f"run-{seed}-{steps}", NoSink(), cache)
    torch.set_num_threads(threads)
    return done.model
