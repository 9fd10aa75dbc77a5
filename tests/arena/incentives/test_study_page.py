"""docs/incentives.md tells the truth: its sections are written from recomputed numbers.

`IOTA_PIN=1` recomputes all experiments (a minute or two) and writes their sections anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iotapretrain.arena.incentives.experiment import claim_and_setup
from iotapretrain.arena.incentives.laboratory import (
    EXPERIMENTS,
    MODELS,
    ROUNDS,
    SEED,
    chosen,
    conduct,
)

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "incentives.md"
PINNING = "IOTA_PIN" in os.environ
QUICK = ("temperature", "cabal")
NAMES = tuple(each.NAME for each in EXPERIMENTS)


def split(page: str, name: str) -> tuple[str, str, str]:
    """What is before a section, the section, and what comes after."""
    before, begin, rest = page.partition(f"<!-- begin {name} -->\n")
    inside, end, after = rest.partition(f"<!-- end {name} -->\n")
    assert begin, f"no section {name}"
    assert end, f"no end of section {name}"
    return before + begin, inside, end + after


@pytest.mark.parametrize("name", NAMES if PINNING else QUICK)
def test_the_numbers_are_those_of_the_laboratory(name: str) -> None:
    (experiment,) = chosen([name])
    expected = conduct(experiment, MODELS, ROUNDS, SEED).as_markdown()
    page = PAGE.read_text(encoding="utf-8")
    before, inside, after = split(page, name)
    if PINNING:
        PAGE.write_text(before + expected + after, encoding="utf-8")
    else:
        assert inside == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_has_its_section_and_its_figure(name: str) -> None:
    _, inside, _ = split(PAGE.read_text(encoding="utf-8"), name)
    (experiment,) = chosen([name])
    assert f"**Claim.** {claim_and_setup(experiment)[0]}\n" in inside
    assert f"img/incentives/{name}.png" in inside
    assert (DOCS / "img" / "incentives" / f"{name}.png").stat().st_size < 60_000


def test_the_page_says_how_it_was_made() -> None:
    words = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"{ROUNDS:,} rounds, seed {SEED} and {MODELS} models" in words
