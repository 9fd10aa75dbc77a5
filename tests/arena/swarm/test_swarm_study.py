"""`iota simulate swarm`: scenarios by name and from files, both designs, a figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iotapretrain.arena.swarm.scenario_file import SCENARIOS, find_scenario
from iotapretrain.arena.swarm.swarm_report import SwarmReport, play_scenario
from iotapretrain.cli.main import app
from iotapretrain.errors import InputError

FILE = """
miners = 6
epochs = 2
kinds = { miner-3 = "skips steps" }
fault = [{ what = "kill", who = "orchestrator", record = 57, back = 20 }]
cut = [{ between = ["miner-1", "miner-2"], since = 60, until = 90 }]
"""


@pytest.fixture(scope="module")
def both() -> dict[str, SwarmReport]:
    """One swarm with churn under either design's phases; long enough that its last epoch, which no
    merge has seen, weighs little.
    """
    return {name: play_scenario(find_scenario(name, 2, 12)) for name in ("churn", "iota")}


def test_both_designs_merge_and_keep_what_must_hold(both: dict[str, SwarmReport]) -> None:
    for report in both.values():
        assert report.broken == ()
        assert report.merges >= 8
        assert report.convicted == ()


def test_late_work_is_kept_by_ours_and_thrown_away_by_iota(both: dict[str, SwarmReport]) -> None:
    assert both["churn"].goodput > both["iota"].goodput + 0.03


def test_names_are_played_and_told_as_data(tmp_path: Path) -> None:
    figure = tmp_path / "swarm.png"
    command = ["simulate", "swarm", "calm", "--epochs", "2", "--json", "--plot", str(figure)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout[told.stdout.index("{\n") :])
    [calm] = document["scenarios"]
    assert (calm["scenario"], calm["seed"], document["broken"]) == ("calm", 1, [])
    assert calm["merges"] == 4
    assert sum(calm["shares"].values()) == pytest.approx(1)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_file_says_who_and_what(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(FILE)
    scenario = find_scenario(str(path), 7, None)
    assert (scenario.seed, scenario.miners, scenario.epochs) == (7, 6, 2)
    assert scenario.kinds == {"miner-3": "skips steps"}
    [kill] = scenario.faults
    assert (kill.what, kill.who, kill.when, kill.value, kill.back) == (
        *("kill", "orchestrator", "record"),
        *(57, 20),
    )
    assert len(scenario.cuts) == 1
    assert play_scenario(scenario).broken == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('miners = "x"', "miners: Expected `int`, got `str`"),
        ("miner = 3", "unknown field `miner`"),
        ('kinds = { a = "saint" }', "no kind ['saint']"),
        ('fault = [{ what = "kill", who = "a" }]', "give one of record, epoch and second"),
        ("miners =", "Invalid value"),
        ("slow = { miner-1 = 0.0 }", "`float` > 0.0"),
        ("churn = 5.0", "`float` <= 1.0"),
        ("slow = { nobody = 2.0 }", "nobody is called nobody"),
        ('cut = [{ between = ["miner-0", "miner-99"] }]', "nobody is called miner-99"),
    ],
)
def test_a_wrong_file_gets_one_line(tmp_path: Path, wrong: str, said: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(wrong)
    with pytest.raises(InputError) as caught:
        find_scenario(str(path), None, None)
    assert said in str(caught.value)


def test_a_name_that_is_none_lists_those_that_are() -> None:
    with pytest.raises(InputError) as caught:
        find_scenario("nope", None, None)
    assert ", ".join(SCENARIOS) in str(caught.value)
