"""`iota simulate incentives` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_main import iota

SHORT = ("--rounds", "10", "--models", "6")


def test_a_study_is_printed_and_drawn(tmp_path: Path) -> None:
    done = iota("simulate", "incentives", "weight-copier", *SHORT, "--plot", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A validator who only copies weights" in done.stdout
    assert "rounds behind" in done.stdout
    assert "weight-copier" in done.stderr  # the progress
    assert (tmp_path / "weight-copier.png").exists()


def test_the_same_seed_prints_the_same_numbers() -> None:
    one, same, other = (
        iota("simulate", "incentives", "average", *SHORT, "--json", "--seed", seed).stdout
        for seed in ("4", "4", "5")
    )
    assert one == same != other
    document = json.loads(one)
    assert (document["rounds"], document["seed"], document["models"]) == (10, 4, 6)
    assert [each["experiment"] for each in document["experiments"]] == ["average"]


def test_the_experiments_are_listed() -> None:
    shown = iota("simulate", "incentives", "--list")
    listed = json.loads(iota("simulate", "incentives", "--list", "--json").stdout)
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [e["name"] for e in listed]


def test_an_unknown_experiment_is_one_line_and_2() -> None:
    done = iota("simulate", "incentives", "nothing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no 'nothing'; there are temperature" in done.stderr
