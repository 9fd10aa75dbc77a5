"""Recipes: what is read, what is derived, what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from iotapretrain.data.page_cache import PageCache
from iotapretrain.errors import InputError
from iotapretrain.training.planning import LANES, TrainingSite, make_plan
from iotapretrain.training.recipe import (
    DataTable,
    MixPart,
    OptimiserTable,
    RunTable,
    TrainingRecipe,
    read_recipe,
)
from tests.training.small import COMPETITION

WHOLE = """
competition = "tiny/nano"
size = 400_000
architecture = "Qwen2ForCausalLM"
tokens = 1_000_000
seed = 3
[model]
rope_theta = 1e5
[data]
mix = [{ dataset = "python-docs", weight = 3 }, { dataset = "python-code" }]
page_rows = 10
[optimiser]
name = "adamw"
learning_rate = 1e-3
[schedule]
shape = "wsd"
decay = 0.3
[run]
batch = 32
precision = "bfloat16"
compile = true
"""


def read(tmp_path: Path, text: str) -> TrainingRecipe:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def test_reads_every_part(tmp_path: Path) -> None:
    recipe = read(tmp_path, WHOLE)
    assert (recipe.competition, recipe.size, recipe.seed) == ("tiny/nano", 400_000, 3)
    assert recipe.data.mix == (MixPart("python-docs", 3.0), MixPart("python-code", 1.0))
    assert recipe.schedule.shape == "wsd"
    assert recipe.run == RunTable(batch=32, precision="bfloat16", compile=True)
    assert recipe.optimiser == OptimiserTable(name="adamw", learning_rate=1e-3)
    assert (recipe.data.page_rows, recipe.model) == (10, {"rope_theta": 1e5})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size = -4", "size: -4; allowed: a finite number above 0"),
        ("siez = 4", "siez: unknown key; allowed: competition, from, size"),
        ("tokens = 5\nsteps = 5", "steps: given beside tokens"),
        ("size = 5\nfrom = 'best'", "beside a model to start from"),
        ("[schedule]\nshape = 'square'", "schedule.shape: 'square'; allowed: cosine, wsd"),
        ("[schedule]\nfloor = 1.5", "schedule.floor: 1.5; allowed: a share from 0"),
        ("[data]\nmix = [{ dataset = 'a' }, { dataset = 'b', weight = 0 }]", "mix[1].weight: 0;"),
        ("[data]\nmix = [{ weight = 1 }]", "data.mix[0].dataset: missing; allowed: required here"),
        ("[data]\nmix = [{ dataset = '' }]", "data.mix[0].dataset: ''; allowed: a text"),
        ("[data]\nmix = [{ path = 'a' }]", "mix[0].path: unknown key; allowed: dataset, weight"),
        ("[data]\npage_rows = 0", "data.page_rows: 0; allowed: a whole number >= 1"),
        ("[optimiser]\nname = 'sgd'", "optimiser.name: 'sgd'; allowed: adamw, muon"),
        ("[run]\nprecision = 'float8'", "run.precision: 'float8'; allowed: float32, bfloat16"),
        ("[run]\nbatch = 'all'", "run.batch: 'all'; allowed: a whole number"),
        ("[run]\nbatches = 3", "run.batches: unknown key; allowed: batch, at_once"),
        ("run = 3", "run: 3; allowed: a table"),
        ("[run]\nprecision = 16", "run.precision: 16; allowed: float32, bfloat16"),
        ("'si-ze' = 1", "si-ze: unknown key"),
        ("data.mix = [3]", "data.mix[0]: 3; allowed: a table"),
        ("data.mix = 3", "data.mix: 3; allowed: a list of tables"),
        ("size = ", "syntax"),
    ],
)
def test_says_in_one_line_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "recipe.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (TrainingRecipe(architecture="GemmaForCausalLM"), "not allowed here"),
        (TrainingRecipe(size=10**9), "20,000 to 80,000"),
        (TrainingRecipe(model={"vocab_size": 200}), "the tokenizer has 257 ids"),
        (TrainingRecipe(run=RunTable(batch=10)), "a multiple"),
        (TrainingRecipe(run=RunTable(keep=0)), "keep: 0"),
        (TrainingRecipe(run=RunTable(checkpoint_seconds=math.inf)), "checkpoint_seconds: inf"),
        (TrainingRecipe(optimiser=OptimiserTable(learning_rate=-1.0)), "learning_rate: -1"),
        (TrainingRecipe(data=DataTable(mix=(MixPart("no-such-text", 1.0),))), "no-such-text"),
        (TrainingRecipe(data=DataTable(tokenizer="no/such")), "no/such"),
    ],
    ids=[
        "architecture",
        "size",
        "vocabulary",
        "batch",
        "keep",
        "pause",
        "rate",
        "text",
        "tokenizer",
    ],
)
def test_a_plan_that_cannot_be_is_refused(
    recipe: TrainingRecipe, message: str, cache: PageCache
) -> None:
    with pytest.raises(InputError) as caught:
        make_plan(recipe, COMPETITION, TrainingSite(cache))
    assert message in str(caught.value)


def test_everything_is_derived(cache: PageCache) -> None:
    plan = make_plan(TrainingRecipe(), COMPETITION, TrainingSite(cache))
    assert 20_000 <= plan.parameters <= 80_000
    assert plan.tokens == 20 * plan.parameters
    assert (plan.data.lanes, plan.origin) == (LANES, "scratch")
    assert plan.steps > 100
    assert plan.optimiser.learning_rate == 1e-2  # the bound: a model this small


def test_options_go_before_the_file() -> None:
    recipe = TrainingRecipe(tokens=5, size=7).with_options(steps=3, size=None)
    assert (recipe.tokens, recipe.steps, recipe.size) == (None, 3, 7)
    assert recipe.with_options(tokenizer="here").data == DataTable(tokenizer="here")
