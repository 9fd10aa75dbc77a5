"""What a sitting goes on from: its own run, a model on a hub, or whoever is best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from iotapretrain.data.page_cache import PageCache
from iotapretrain.errors import InputError
from iotapretrain.hub import model_cache as hub_cache
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import Model
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, RepositoryId
from iotapretrain.rules.competition.schedule_file import parse
from iotapretrain.training.planning import TrainingSite, make_plan
from iotapretrain.training.recipe import TrainingRecipe, is_remote
from iotapretrain.training.speed import tokens_in
from iotapretrain.training.start import (
    Decision,
    Library,
    decide,
    find_start,
    public_name,
)
from iotapretrain.training.stopping import StopLimits
from tests.training.small import COMPETITION, FILE, plan, recipe, run_in


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, cache: PageCache) -> tuple[FolderHub, Commit]:
    """A hub with one trained model."""
    place = tmp_path_factory.mktemp("hub")
    trained = run_in(place / "run", plan(cache, steps=2), cache)
    opened = FolderHub(place / "hub", "alice")
    folder, repository = ModelFolder.scan(trained.model), RepositoryId("alice", "model")
    commit = opened.publish(folder, repository, "a model")
    opened.set_visibility(repository, "public")
    return opened, commit


@pytest.fixture
def library(hub: tuple[FolderHub, Commit], tmp_path: Path) -> Library:
    opened, commit = hub
    kept = hub_cache.ModelCache(tmp_path / "models")

    def find(which: str) -> Model:
        assert which == "best"
        return fetch(opened, commit, kept, max_bytes=10**7)

    return Library(opened, kept, find, 10**7)


def test_a_commit_and_the_champion_are_told_by_their_commit(
    library: Library, hub: tuple[FolderHub, Commit], cache: PageCache
) -> None:
    _, commit = hub
    pinned = find_start(f"hub:{commit}", lambda: library)
    best = find_start("best", lambda: library)
    assert pinned == best
    assert best.origin == f"hub:{commit}"
    made = make_plan(recipe(), COMPETITION, TrainingSite(cache), best)
    assert (made.origin, public_name(made.origin)) == (f"hub:{commit}", f"hub:{commit}")
    assert made.model == plan(cache).model


def test_what_names_no_model_is_a_path(library: Library) -> None:
    assert [is_remote(each) for each in ("best", "uid:7", "hub:a/b@0")] == [True] * 3
    assert not any(is_remote(each) for each in ("./best", "uid:x", "models/best"))
    with pytest.raises(InputError, match="no such folder"):
        find_start("models/none", lambda: library)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[20_000, 80_000]", "[50_000, 80_000]"), "at least 50,000 needed"),
        (('"LlamaForCausalLM", ', ""), "architecture LlamaForCausalLM; allowed"),
        (("sequence_length = 32", "sequence_length = 64"), "32 positions; 64 are needed"),
    ],
    ids=["size", "architecture", "positions"],
)
def test_a_start_that_could_never_take_part_is_refused(
    library: Library, cache: PageCache, change: tuple[str, str], message: str
) -> None:
    other = parse(FILE.replace(*change), "other.toml").competitions[0]
    start = find_start("best", lambda: library)
    with pytest.raises(InputError, match=message):
        make_plan(recipe(), other, TrainingSite(cache), start)


def no_library() -> Any:
    raise AssertionError("nothing is fetched from a hub here")


def decided(asked: TrainingRecipe, run: Path, cache: PageCache, resume: bool = False) -> Decision:
    return decide(asked, COMPETITION, run, TrainingSite(cache), no_library, resume=resume)


def test_a_run_goes_on_by_its_own_plan(tmp_path: Path, cache: PageCache) -> None:
    first = decided(recipe(), tmp_path, cache, resume=True)  # nothing is there: it begins
    run_in(tmp_path, first.plan, cache, limits=StopLimits(steps=2))
    with pytest.raises(InputError, match="--resume goes on with it"):
        decided(recipe(), tmp_path, cache)
    again = decided(replace(recipe(size=70_000), steps=5, loss=1.5), tmp_path, cache, resume=True)
    assert again == Decision(first.plan, None, StopLimits(steps=5, loss=1.5))


def test_a_run_is_planned_for_its_usual_step(cache: PageCache) -> None:
    """On a machine with other work: the best step is no measure of all."""
    made = plan(cache)
    times = iter([100.0, 101.0, 104.0, 105.0, 108.0])
    tokens = tokens_in(made, 100.0, lambda: next(times))
    rows, length = made.at_once, made.data.sequence_length
    steps = rows * length * 100.0 / 2.0 * 0.9
    assert tokens == int(steps) - 2 * made.data.held_out_sequences * length // 3


def test_seconds_become_tokens(tmp_path: Path, cache: PageCache) -> None:
    """Twice the time is about twice the text; the measurement is what varies."""
    asked = replace(recipe(), steps=None)
    short, long = (
        decided(replace(asked, seconds=seconds), tmp_path, cache).plan for seconds in (10, 1_000)
    )
    assert 20 < long.tokens / short.tokens < 500
    assert short.seconds == 10
