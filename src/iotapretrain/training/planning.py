"""From a recipe and a competition to a plan: every number that was left out is derived here.
Learning rate and batch follow the power laws of DeepSeek (arXiv 2401.02954, section 3.1), within
bounds: they were fitted to 1e17 to 2e19 operations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import ConfigError, InputError
from iotapretrain.models.header_checks import Limits, refuse_size
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.training import shape
from iotapretrain.training.plan import DataPlan, OptimiserPlan, RunPlan, SourcePlan
from iotapretrain.training.reading import opened
from iotapretrain.training.recipe import MixPart, OptimiserTable, RunTable, TrainingRecipe
from iotapretrain.training.shape import Document

ARCHITECTURE = "LlamaForCausalLM"
"""In every competition's list, and without any part that a later one found superfluous."""
OPTIMISER = "muon"
"""After 400,000 tokens its loss in nano was 1.86, AdamW's at its best rate 2.11."""
HIGHEST_RATE = MappingProxyType({"adamw": 2e-3, "muon": 1e-2})
"""Beyond, a model of 650,000 parameters learned less with AdamW and hardly more with Muon."""
TOKENS_A_PARAMETER = 20
"""Where compute is best spent (Hoffmann et al. 2022), and so the default length of a run."""
FEWEST_SEQUENCES = 16
MOST_BATCH_SHARE = 1 / 400
"""Of all tokens, so that even a short run takes some hundred steps."""
FEWEST_PAGES = 256
MOST_PAGE_ROWS = 100
HELD_OUT_PAGES = 8
"""Of each source: 1/32 of a small one, next to nothing of a great one."""
LANES = 16
"""Pages that a batch is made of at once. Neighbouring sequences are alike: with 1 lane instead of
16 a small model's loss was 0.5 higher after 400,000 tokens."""
HELD_OUT_SEQUENCES = 128
EVALUATIONS = 20
EVALUATION_SHARE = 0.02
"""A run is measured twenty times, or as often as takes a fiftieth of its time."""
CHECKPOINT_SECONDS = 300.0
"""What a crash costs at most; `trainer.CHECKPOINT_SHARE` makes it more where writing is slow."""
KEEP = 2
"""Checkpoints: the last, and one before it should the disk have lied."""


@dataclass(frozen=True)
class TrainingSite:
    """Where a run takes place, as far as its plan depends on it."""

    cache: PageCache
    ranks: int = 1
    gpu: bool = False

    @property
    def tokens_at_once(self) -> int:
        """Through a model on one device: enough to fill it, little enough for its memory."""
        return 16_384 if self.gpu else 4_096


@dataclass(frozen=True)
class Start:
    """A model that training goes on from: what it is called, its configuration, its folder."""

    origin: str
    document: Document
    folder: Path


def make_plan(
    recipe: TrainingRecipe, competition: Competition, site: TrainingSite, start: Start | None = None
) -> RunPlan:
    """The plan of a run; `start` where it does not begin from scratch."""
    constraints = competition.constraints
    data = _data(recipe, competition, site)
    limits = Limits(constraints, load_tokenizer(data.tokenizer).vocabulary)
    document = _model(recipe, limits) if start is None else start.document
    parameters = shape.parameters_of(document)
    _check(document, parameters, limits, "[model]" if start is None else start.origin)
    tokens = recipe.tokens or TOKENS_A_PARAMETER * parameters
    compute = operations(parameters, tokens)
    batch = recipe.run.batch
    if batch is None:
        batch = _multiple(batch_sequences(compute, tokens, data.sequence_length), data.lanes)
    if recipe.steps is not None:
        tokens = recipe.steps * batch * data.sequence_length
    try:
        return RunPlan(
            competition=recipe.competition or competition.name,
            model=document,
            parameters=parameters,
            dtype=constraints.dtype,
            origin="scratch" if start is None else start.origin,
            data=data,
            optimiser=_optimiser(recipe.optimiser, compute),
            schedule=recipe.schedule,
            tokens=tokens,
            seconds=recipe.seconds,
            loss=recipe.loss,
            seed=recipe.seed,
            **_run(recipe.run, batch, tokens, data, site),
        )
    except ConfigError as error:
        raise ConfigError("training", error.key, error.problem, error.allowed) from error


def operations(parameters: int, tokens: int) -> float:
    """C = 6ND: two a parameter and token forward, four backward."""
    return 6.0 * parameters * tokens


def highest_rate(compute: float, optimiser: str) -> float:
    """0.3118 C^-0.125, at most the `HIGHEST_RATE` of the optimiser."""
    return float(min(0.3118 * compute**-0.125, HIGHEST_RATE[optimiser]))


def batch_sequences(compute: float, tokens: int, length: int) -> int:
    """0.292 C^0.3271 tokens as whole sequences, a multiple of 8 from 16 on."""
    wanted: float = min(0.292 * compute**0.3271, tokens * MOST_BATCH_SHARE) / length
    return max(FEWEST_SEQUENCES, round(wanted / 8) * 8)


def _check(document: Document, parameters: int, limits: Limits, name: str) -> None:
    """Refuse a model that could never take part, whatever it learns."""
    config, constraints = shape.checked(document), limits.constraints
    refusal = refuse_size(config, parameters, constraints)
    if refusal is not None:
        raise InputError(f"{name}: {refusal} in this competition")
    if not limits.vocabulary <= config.vocabulary <= limits.largest_vocabulary:
        raise InputError(
            f"{name}: a vocabulary of {config.vocabulary:,}; the tokenizer has"
            f" {limits.vocabulary:,} ids, and at most {limits.largest_vocabulary:,} are allowed"
        )
    if config.positions < constraints.sequence_length:
        raise InputError(
            f"{name}: {config.positions:,} positions; {constraints.sequence_length:,} are needed"
        )


def _model(recipe: TrainingRecipe, limits: Limits) -> Document:
    allowed = limits.constraints.architectures
    usual = ARCHITECTURE if ARCHITECTURE in allowed else min(allowed)
    architecture = recipe.architecture or usual
    if architecture not in allowed:
        raise InputError(
            f"architecture {architecture!r}: not allowed here;"
            f" allowed: {', '.join(sorted(allowed))}"
        )
    size = recipe.size or shape.middle_size(limits.constraints)
    return shape.derived(size, architecture, limits, recipe.model)


def _data(recipe: TrainingRecipe, competition: Competition, site: TrainingSite) -> DataPlan:
    asked, constraints = recipe.data, competition.constraints
    mix = asked.mix or tuple(
        MixPart(task.dataset, task.weight, task.config) for task in competition.tasks
    )
    return DataPlan(
        sources=tuple(_source(part, asked.page_rows, site.cache) for part in mix),
        tokenizer=asked.tokenizer or constraints.tokenizer,
        sequence_length=constraints.sequence_length,
        lanes=asked.lanes or _multiple(LANES, site.ranks),
        held_out_sequences=asked.held_out_sequences or HELD_OUT_SEQUENCES,
    )


def _source(part: MixPart, page_rows: int | None, cache: PageCache) -> SourcePlan:
    """Pages are as large as they may be while a source still has enough of them to shuffle."""
    rows = opened(part.dataset, part.config, cache).describe().rows
    page_rows = page_rows or max(1, min(MOST_PAGE_ROWS, rows // FEWEST_PAGES))
    return SourcePlan(part.dataset, part.config, part.weight, page_rows, HELD_OUT_PAGES)


def _optimiser(asked: OptimiserTable, compute: float) -> OptimiserPlan:
    name = asked.name or OPTIMISER
    return OptimiserPlan(
        **{"name": name, "learning_rate": highest_rate(compute, name), **asked.given()}
    )


def _run(
    asked: RunTable, batch: int, tokens: int, data: DataPlan, site: TrainingSite
) -> dict[str, Any]:
    length = data.sequence_length
    steps = max(1, tokens // (batch * length))
    evaluation = data.held_out_sequences / (3 * batch)  # in steps: forward is a third of one
    derived: dict[str, Any] = {
        "batch": batch,
        "at_once": max(1, min(batch // site.ranks, site.tokens_at_once // length)),
        "precision": "bfloat16" if site.gpu else "float32",
        "recompute": False,
        "compile": site.gpu,
        "evaluate_steps": max(steps // EVALUATIONS, math.ceil(evaluation / EVALUATION_SHARE)),
        "report_steps": 10 if site.gpu else 1,
        "checkpoint_seconds": CHECKPOINT_SECONDS,
        "keep": KEEP,
    }
    return derived | asked.given()


def _multiple(number: int, of: int) -> int:
    return -(-number // of) * of
