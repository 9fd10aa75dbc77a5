"""Events go to a file and come back, also after a kill in the middle of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.errors import InputError
from iotapretrain.observe.events import Acted, Event
from iotapretrain.observe.read_records import Tail, read_events
from iotapretrain.observe.sink import Lines, Several


def acted(what: str) -> Acted:
    return Acted(time=1.0, source="demo", actor="alice", what=what, why="")


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "new" / "records.jsonl")
    for what in ("begins", "ends"):
        lines.emit(acted(what))
    lines.close()
    assert list(read_events(tmp_path / "new" / "records.jsonl")) == [acted("begins"), acted("ends")]


def test_a_torn_line_spoils_nothing_that_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    for what in ("first", "second"):
        lines = Lines(path)
        lines.emit(acted(what))
        lines.close()
        with path.open("ab") as file:
            file.write(b'{"kind":"acted","ti')
    lines = Lines(path)
    lines.emit(acted("third"))
    lines.close()
    assert [event.what for event in read_events(path)] == ["first", "second", "third"]  # type: ignore[union-attr]


def test_a_tail_gives_every_event_once_and_only_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    tail = Tail(path)
    assert tail.new() == []
    lines = Lines(path)
    lines.emit(acted("first"))
    assert tail.new() == [acted("first")]
    assert tail.new() == []
    with path.open("ab") as file:
        file.write(b'{"kind":"acted","time":1.0,')
        file.flush()
        assert tail.new() == []
        file.write(b'"source":"demo","actor":"alice","what":"second","why":""}\n')
    assert tail.new() == [acted("second")]
    lines.close()


def test_a_tail_goes_on_where_another_stopped(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    lines = Lines(path)
    lines.emit(acted("first"))
    tail = Tail(path)
    tail.new()
    lines.emit(acted("second"))
    assert Tail(path, tail.position).new() == [acted("second")]
    lines.close()


def test_several_sinks_get_the_same_events_and_all_are_closed(tmp_path: Path) -> None:
    seen: list[tuple[str, Event | str]] = []

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def emit(self, event: Event) -> None:
            seen.append((self.name, event))

        def close(self) -> None:
            seen.append((self.name, "closed"))

    sink = Several(Noted("a"), Noted("b"))
    sink.emit(acted("begins"))
    sink.close()
    assert seen == [
        ("a", acted("begins")),
        ("b", acted("begins")),
        ("a", "closed"),
        ("b", "closed"),
    ]


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="nowhere"):
        list(read_events(Path("nowhere.jsonl")))
