"""Where a sitting starts: at a run's own checkpoint, from nothing, or from somebody's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.errors import InputError
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import Model as Fetched
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Commit, Hub
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.config import Config, read_config
from iotapretrain.models.layout import Model, load
from iotapretrain.models.open_files import CONFIG, open_folder
from iotapretrain.models.verdict import Rejection
from iotapretrain.models.weight_files import stored_tensors
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.training import run_folder
from iotapretrain.training.plan import RunPlan, check_unbegun, has_begun
from iotapretrain.training.planning import Start, TrainingSite, make_plan
from iotapretrain.training.recipe import HUB, TrainingRecipe, is_remote
from iotapretrain.training.speed import tokens_in
from iotapretrain.training.stopping import StopLimits

SCRATCH = "scratch"


@dataclass(frozen=True)
class Library:
    """Where models are fetched from, and who knows which one is meant."""

    hub: Hub
    cache: ModelCache
    find: Callable[[str], Fetched]
    """From `best` or `uid:N` to the model that is committed on the chain, fetched."""
    max_bytes: int

    def folder(self, origin: str) -> tuple[str, Path]:
        """A model's full name and its folder here: of `hub:REPO@COMMIT`, `best` or `uid:N`."""
        if origin.startswith(HUB):
            commit = Commit.parse(origin.removeprefix(HUB))
            model = fetch(self.hub, commit, self.cache, max_bytes=self.max_bytes)
        else:
            model = self.find(origin)
        return f"{HUB}{model.commit}", model.folder


@dataclass(frozen=True)
class Decision:
    """A plan, the folder of the model that it starts from, and what ends this sitting early."""

    plan: RunPlan
    start: Path | None
    """While the run has no checkpoint, and does not begin from scratch."""
    limits: StopLimits


def decide(
    recipe: TrainingRecipe,
    competition: Competition,
    run: Path,
    site: TrainingSite,
    library: Callable[[], Library],
    *,
    resume: bool,
) -> Decision:
    """Go on with the run in a folder, or begin the one that is asked for.

    With `resume` what began goes on by its own plan: of the recipe only limits count then.
    """
    if not resume:
        check_unbegun(run)
    if has_begun(run):
        begun = run_folder.read_plan(run)
        loss = begun.loss if recipe.loss is None else recipe.loss
        return Decision(begun, None, StopLimits(recipe.steps, recipe.seconds, loss))
    start = None if recipe.origin is None else find_start(recipe.origin, library)
    plan = make_plan(recipe, competition, site, start)
    if recipe.seconds is not None and recipe.tokens is None and recipe.steps is None:
        tokens = site.ranks * tokens_in(plan, recipe.seconds)
        plan = make_plan(recipe.with_options(tokens=tokens), competition, site, start)
    folder = None if start is None else start.folder
    return Decision(plan, folder, StopLimits(seconds=plan.seconds, loss=plan.loss))


def public_name(origin: str) -> str:
    """An origin as strangers may read it: the name of a folder is nobody's business."""
    return origin if origin == SCRATCH or origin.startswith(HUB) else "a local model"


def find_start(origin: str, library: Callable[[], Library]) -> Start:
    """The start that the text names; a path, where it is nothing else."""
    name, folder = library().folder(origin) if is_remote(origin) else (origin, Path(origin))
    config, _ = read_model(folder)
    known = config.architecture
    obeyed = {"architectures": [known.name], "model_type": known.model_type, **config.values}
    return Start(name, obeyed, folder)


def read_model(folder: Path) -> tuple[Config, Model]:
    """A model of a stranger: weights and configuration as data, nothing else of the folder."""
    try:
        with open_folder(folder) as opened:
            entry = opened.find(CONFIG)
            if entry is None:
                raise InputError(f"{folder}: no {CONFIG}; give a model's folder")
            config = read_config(entry.read(0, entry.size), [*ARCHITECTURES])
            return config, load(config, stored_tensors(opened))
    except Rejection as rejection:
        raise InputError(f"{folder}: cannot be trained on: {rejection}") from rejection
