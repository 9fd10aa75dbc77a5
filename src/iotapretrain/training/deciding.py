"""What a sitting does: go on with the run in a folder, or begin the one that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.training import run_folder
from iotapretrain.training.plan import Plan
from iotapretrain.training.planning import Site, make_plan
from iotapretrain.training.recipe import Recipe
from iotapretrain.training.speed import tokens_in
from iotapretrain.training.start import Library, find_start
from iotapretrain.training.stopping import Limits


class Decision(msgspec.Struct, frozen=True):
    """A plan, the folder of the model that it starts from, and what ends this sitting early."""

    plan: Plan
    start: str | None
    limits: Limits

    @property
    def folder(self) -> Path | None:
        """Of the model to start from, while the run has no checkpoint."""
        return None if self.start is None else Path(self.start)


def decide(
    recipe: Recipe,
    competition: Competition,
    run: Path,
    resume: bool,
    site: Site,
    library: Callable[[], Library],
) -> Decision:
    """With `resume` what began goes on by its own plan: of the recipe only limits count then."""
    if not run_folder.has_begun(run):
        return _new(recipe, competition, site, library)
    if not resume:
        raise InputError(
            f"{run}: holds a run already; --resume goes on with it, another --out begins a new one"
        )
    begun = run_folder.read_plan(run)
    loss = begun.loss if recipe.loss is None else recipe.loss
    return Decision(begun, None, Limits(recipe.steps, recipe.seconds, loss))


def _new(
    recipe: Recipe, competition: Competition, site: Site, library: Callable[[], Library]
) -> Decision:
    start = None if recipe.origin is None else find_start(recipe.origin, library)
    plan = make_plan(recipe, competition, site, start)
    if recipe.seconds is not None and recipe.tokens is None and recipe.steps is None:
        tokens = site.ranks * tokens_in(plan, recipe.seconds)
        plan = make_plan(recipe.with_options(tokens=tokens), competition, site, start)
    folder = None if start is None else str(start.folder)
    return Decision(plan, folder, Limits(seconds=plan.seconds, loss=plan.loss))
