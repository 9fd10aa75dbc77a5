"""Every experiment runs, says what it found, and draws it; findings follow the numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iotapretrain.arena.incentives.experiment import ClaimCheck, Column, moved
from iotapretrain.arena.incentives.experiments.average import rounds_to
from iotapretrain.arena.incentives.experiments.temperature import in_ranks
from iotapretrain.arena.incentives.figure import save
from iotapretrain.arena.incentives.laboratory import (
    EXPERIMENTS,
    MODELS,
    SEED,
    Study,
    chosen,
    conduct,
)
from iotapretrain.errors import InputError

NAMES = [each.NAME for each in EXPERIMENTS]


@pytest.fixture(scope="module", params=NAMES)
def study(request: pytest.FixtureRequest) -> Study:
    (experiment,) = chosen([request.param])
    return conduct(experiment, 6, 20, 3)


def test_its_report_is_plain_data(study: Study) -> None:
    document = json.loads(json.dumps(study.as_data(), allow_nan=False))
    assert document["experiment"] == study.experiment.NAME
    assert document["rows"]
    assert document["findings"]


def test_its_sentences_follow_its_numbers(study: Study) -> None:
    """On a field so small and short that many a claim comes out otherwise."""
    for finding in study.as_data()["findings"]:
        for before, after in re.findall(r"from ([\d.]+)(?: %)? to ([\d.]+)", finding["text"]):
            assert before != after, finding["text"]


def test_what_does_not_show_is_not_said() -> None:
    assert moved(1.0, 0.9991, ".2f") == "stays at 1.00"
    assert moved(0.86, 0.73, ".2f") == "falls from 0.86 to 0.73"
    assert moved(0.1, 0.2, ".0%") == "rises from 10% to 20%"
    (cabal,) = chosen(["cabal"])
    (*_, last) = conduct(cabal, MODELS, 100, SEED).as_data()["findings"]
    assert "and here it does not disturb: the trust of the honest stays at 1.00" in last["text"]


def test_its_figure_is_a_small_picture(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "new" / "figure.png"
    save(path, study.draw)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert 5_000 < path.stat().st_size < 80_000


def test_names_are_unlike_and_found() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert [each.NAME for each in chosen(["sybils", "cabal"])] == ["sybils", "cabal"]
    assert chosen([]) == list(EXPERIMENTS)
    with pytest.raises(InputError, match="no 'hoard'; there are temperature"):
        chosen(["hoard"])


def test_a_field_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="at least 6"):
        conduct(EXPERIMENTS[0], 5, 10, 1)


def test_the_share_in_ranks_hardly_depends_on_the_field() -> None:
    assert in_ranks(2) - in_ranks(256) < 0.003


@pytest.mark.parametrize(("alpha", "rounds"), [(0.0, 1), (0.5, 4), (0.9, 22)])
def test_a_new_winner_waits_for_its_pay(alpha: float, rounds: int) -> None:
    average = 0.0
    for _ in range(rounds):
        before, average = average, alpha * average + (1 - alpha)
    assert before < 0.9 <= average + 1e-12
    assert rounds_to(0.9, alpha) == rounds


def test_per_cents_are_written_with_a_space() -> None:
    assert Column("a", "", ["9%"]).texts() == ["9%"]
    assert Column("b", ".1%", [0.5]).texts() == ["50.0 %"]
    assert ClaimCheck(True, f"{0.5:.0%} of it").text == "50 % of it"


def test_a_figure_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="give a folder"):
        save(tmp_path / "file" / "figure.png", lambda figure: None)
