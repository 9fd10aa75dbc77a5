"""From a recipe and a competition to a plan: every number that was left out is derived here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iotapretrain.data.page_cache import Cache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import ConfigError, InputError
from iotapretrain.models.header_checks import Limits
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.competition.size_limits import refuse
from iotapretrain.training import scaling, shape
from iotapretrain.training.plan import DataPlan, OptimiserPlan, Plan, SourcePlan
from iotapretrain.training.reading import opened
from iotapretrain.training.recipe import Part, Recipe
from iotapretrain.training.shape import Document, Room

ARCHITECTURE = "LlamaForCausalLM"
"""In every competition's list, and without any part that a later one found superfluous."""
OPTIMISER = "muon"
"""After 400,000 tokens its loss in nano was 1.86, AdamW's at its best rate 2.11."""
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
"""What a crash costs at most; `checkpoint.pause` takes longer ones where writing is slow."""
KEEP = 2
"""Checkpoints: the last, and one before it should the disk have lied."""


@dataclass(frozen=True)
class Site:
    """Where a run takes place, as far as its plan depends on it."""

    cache: Cache
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
    recipe: Recipe, competition: Competition, site: Site, start: Start | None = None
) -> Plan:
    """The plan of a run; `start` where it does not begin from scratch."""
    constraints = competition.constraints
    data = _data(recipe, competition, site)
    limits = Limits(constraints, load_tokenizer(data.tokenizer).vocabulary)
    document = _model(recipe, limits) if start is None else start.document
    parameters = shape.parameters_of(document)
    _check(document, parameters, limits, "[model]" if start is None else start.origin)
    tokens = recipe.tokens or scaling.TOKENS_A_PARAMETER * parameters
    compute = scaling.operations(parameters, tokens)
    batch = recipe.run.get("batch") or _multiple(
        scaling.batch_sequences(compute, tokens, data.sequence_length), data.lanes
    )
    if recipe.steps is not None:
        tokens = recipe.steps * batch * data.sequence_length
    run = _run(recipe.run, batch, tokens, data, site)
    try:
        return Plan(
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
            **run,
        )
    except ConfigError as error:
        raise ConfigError("training", error.key, error.problem, error.allowed) from error


def _check(document: Document, parameters: int, limits: Limits, name: str) -> None:
    """Refuse a model that could never take part, whatever it learns."""
    config, constraints = shape.checked(document), limits.constraints
    refusal = refuse(
        parameters,
        constraints.min_parameters,
        constraints.max_parameters,
        config.architecture.name,
        constraints.architectures,
    )
    if refusal is not None:
        raise InputError(f"{name}: {refusal.sentence} in this competition")
    if not limits.vocabulary <= config.vocabulary <= limits.largest_vocabulary:
        raise InputError(
            f"{name}: a vocabulary of {config.vocabulary:,}; the tokenizer has"
            f" {limits.vocabulary:,} ids, and at most {limits.largest_vocabulary:,} are allowed"
        )
    if config.positions < constraints.sequence_length:
        raise InputError(
            f"{name}: {config.positions:,} positions; {constraints.sequence_length:,} are needed"
        )


def _model(recipe: Recipe, limits: Limits) -> Document:
    constraints = limits.constraints
    allowed = constraints.architectures
    room = Room(
        constraints.min_parameters,
        constraints.max_parameters,
        limits.vocabulary,
        constraints.sequence_length,
    )
    architecture = recipe.architecture or (
        ARCHITECTURE if ARCHITECTURE in allowed else min(allowed)
    )
    if architecture not in allowed:
        raise InputError(
            f"architecture {architecture!r}: not allowed here;"
            f" allowed: {', '.join(sorted(allowed))}"
        )
    return shape.derived(recipe.size or room.middle, architecture, room, recipe.model)


def _data(recipe: Recipe, competition: Competition, site: Site) -> DataPlan:
    constraints = competition.constraints
    mix = recipe.mix or tuple(
        Part(task.dataset, task.weight, task.config) for task in competition.tasks
    )
    return DataPlan(
        sources=tuple(_source(part, recipe.page_rows, site.cache) for part in mix),
        tokenizer=recipe.tokenizer or constraints.tokenizer,
        sequence_length=constraints.sequence_length,
        lanes=recipe.lanes or _multiple(LANES, site.ranks),
        held_out_sequences=recipe.held_out_sequences or HELD_OUT_SEQUENCES,
    )


def _source(part: Part, page_rows: int | None, cache: Cache) -> SourcePlan:
    """Pages are as large as they may be while a source still has enough of them to shuffle."""
    rows = opened(part.dataset, part.config, cache).describe().rows
    page_rows = page_rows or max(1, min(MOST_PAGE_ROWS, rows // FEWEST_PAGES))
    return SourcePlan(part.dataset, part.config, part.weight, page_rows, HELD_OUT_PAGES)


def _optimiser(given: Mapping[str, Any], compute: float) -> OptimiserPlan:
    name = given.get("name", OPTIMISER)
    if name not in scaling.HIGHEST_RATE:
        raise ConfigError("training", "optimiser.name", repr(name), ", ".join(scaling.HIGHEST_RATE))
    derived = {"name": name, "learning_rate": scaling.learning_rate(compute, name)}
    return OptimiserPlan(**{**derived, **given})


def _run(
    given: Mapping[str, Any], batch: int, tokens: int, data: DataPlan, site: Site
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
    return {**derived, **given}


def _multiple(number: int, of: int) -> int:
    return -(-number // of) * of
