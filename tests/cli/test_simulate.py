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


SMALL = ("--miners", "8", "--stages", "2", "--seeds", "2")


def test_policies_of_routing_are_printed_and_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "routing.png"
    asked = ("--policy", "ours", "--policy", "random", "--plot", picture)
    done = iota("simulate", "routing", *SMALL, *asked)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if "%" in line and " s " in line]
    assert [row[0] for row in rows] == ["ours", "random"]
    assert "8 miners in 2 stages, 3 epochs of 3,200 samples, medians of 2 swarms" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_routing_prints_the_same_numbers_again() -> None:
    asked = ("simulate", "routing", *SMALL, "--policy", "two-choices", "--json")
    one, same = (iota(*asked).stdout for _ in range(2))
    assert one == same
    document = json.loads(one)
    assert document["world"]["miners"] == 8
    (only,) = document["policies"]
    assert (only["policy"], [each["seed"] for each in only["swarms"]]) == ("two-choices", [1, 2])
    assert all(0 < each["efficiency"] < 1 for each in only["swarms"])


def test_an_unknown_policy_is_one_line_and_2() -> None:
    done = iota("simulate", "routing", "--policy", "best")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no policy 'best'; there are random, shortest-queue" in done.stderr
