"""What a sitting decides to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from iotapretrain.data.page_cache import Cache
from iotapretrain.errors import InputError
from iotapretrain.training.planning import TrainingSite
from iotapretrain.training.recipe import TrainingRecipe
from iotapretrain.training.start import Decision, decide
from iotapretrain.training.stopping import StopLimits
from tests.training.small import COMPETITION, recipe, run_in


def no_library() -> Any:
    raise AssertionError("nothing is fetched from a hub here")


def decided(asked: TrainingRecipe, run: Path, cache: Cache, resume: bool = False) -> Decision:
    return decide(asked, COMPETITION, run, resume, TrainingSite(cache), no_library)


def test_a_run_goes_on_by_its_own_plan(tmp_path: Path, cache: Cache) -> None:
    first = decided(recipe(), tmp_path, cache, resume=True)  # nothing is there: it begins
    run_in(tmp_path, first.plan, cache, limits=StopLimits(steps=2))
    with pytest.raises(InputError, match="--resume goes on with it"):
        decided(recipe(), tmp_path, cache)
    again = decided(replace(recipe(size=70_000), steps=5, loss=1.5), tmp_path, cache, resume=True)
    assert again == Decision(first.plan, None, StopLimits(steps=5, loss=1.5))


def test_seconds_become_tokens(tmp_path: Path, cache: Cache) -> None:
    """Twice the time is about twice the text; the measurement is what varies."""
    asked = replace(recipe(), steps=None)
    short, long = (
        decided(replace(asked, seconds=seconds), tmp_path, cache).plan for seconds in (10, 1_000)
    )
    assert 20 < long.tokens / short.tokens < 500
    assert short.seconds == 10
