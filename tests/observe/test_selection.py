"""What `iota records export` picks, and in which order."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iotapretrain.cli.main import app
from iotapretrain.errors import InputError
from iotapretrain.observe.events import Acted
from iotapretrain.observe.read_records import Selection, select
from iotapretrain.observe.sink import Lines
from tests.observe.test_metrics import STEP, fetched, round_finished


@pytest.fixture
def network(tmp_path: Path) -> Path:
    validator = Lines(tmp_path / "validators" / "v" / "records.jsonl")
    for event in (round_finished(1), fetched("evaluated")):
        validator.emit(event)
    Lines(tmp_path / "miners" / "m" / "run" / "records.jsonl").emit(STEP)
    demo = Lines(tmp_path / "records.jsonl")
    demo.emit(Acted(time=2.5, source="demo", actor="a, b", what='says "x"', why=""))
    return tmp_path


def test_files_merge_in_the_order_of_time(network: Path) -> None:
    assert [event.time for event in select(network, Selection())] == [1.0, 2.0, 2.5, 3.0]


@pytest.mark.parametrize(
    ("selection", "times"),
    [
        (Selection(kinds=frozenset({"round-finished", "acted"})), [2.0, 2.5]),
        (Selection(source="validator:"), [2.0, 3.0]),
        (Selection(since=2.0, until=3.0), [2.0, 2.5]),
    ],
    ids=["kind", "source", "time"],
)
def test_only_what_is_wanted(network: Path, selection: Selection, times: list[float]) -> None:
    assert [event.time for event in select(network, selection)] == times


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list(select(tmp_path / "nowhere", Selection()))


def test_lines_and_csv_hold_the_same(network: Path) -> None:
    run = CliRunner()
    lines = run.invoke(app, ["records", "export", str(network)])
    table = run.invoke(app, ["records", "export", str(network), "--format", "csv"])
    events = [json.loads(line) for line in lines.output.splitlines()]
    rows = list(csv.DictReader(io.StringIO(table.output)))
    assert [event["kind"] for event in events] == [row["kind"] for row in rows]
    assert rows[2]["actor"] == "a, b"
    assert json.loads(rows[1]["seconds"]) == events[1]["seconds"]


def test_times_can_be_written_as_dates(network: Path) -> None:
    arguments = ["records", "export", str(network), "--since", "1970-01-01T00:00:02.2+00:00"]
    found = CliRunner().invoke(app, arguments).output.splitlines()
    assert [json.loads(line)["time"] for line in found] == [2.5, 3.0]


def test_a_time_that_is_none_is_refused(network: Path) -> None:
    result = CliRunner().invoke(app, ["records", "export", str(network), "--since", "noon"])
    assert isinstance(result.exception, InputError)
