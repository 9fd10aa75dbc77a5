"""`iota demo` as a user runs it: interrupted, and with parts of it switched off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from iotapretrain.arena.demo import run_demo
from iotapretrain.cli.main import app
from iotapretrain.errors import InputError

IOTA = [sys.executable, "-c", "from iotapretrain.cli.main import main; main()"]
INTERRUPTED = 130
SLOW = "IOTA_SLOW"


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A demo whose temporary files would be in the folder."""
    (folder / "tmp").mkdir()
    return subprocess.Popen(
        [*IOTA, "demo", *options],
        env={**os.environ, "TMPDIR": str(folder / "tmp"), "HOME": str(folder), "CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines_until(process: subprocess.Popen[str], words: str) -> str:
    """What it said until it said this."""
    said = ""
    for line in process.stderr or ():
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}:\n{said}")


def processes_below(folder: Path) -> list[str]:
    """The command lines of all processes that know the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def test_an_interrupted_demo_leaves_nothing(tmp_path: Path) -> None:
    demo = start(tmp_path, "--seconds", "120")
    said = lines_until(demo, "trains")
    address = next(line for line in said.splitlines() if "watch it live" in line).split()[-1]
    assert processes_below(tmp_path)
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert demo.returncode == INTERRUPTED
    assert processes_below(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    port = int(address.rstrip("/").rpartition(":")[2])
    assert not listens(port)


@pytest.mark.parametrize("held", [True, False])
def test_leaving_the_page_of_a_demo_that_ended_keeps_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    @contextmanager
    def ended(*_: object) -> Iterator[tuple[dict[str, Any], str]]:
        yield {"held": held, "expectations": [], "miners": [], "validators": []}, "http://here/"

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(run_demo, "demo", ended)
    monkeypatch.setattr(signal, "pause", interrupted)
    assert CliRunner().invoke(app, ["demo"]).exit_code == (0 if held else 1)


def listens(port: int) -> bool:
    """Whether anybody accepts connections there."""
    wanted = f":{port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(wanted) and row[3] == "0A" for row in rows)


def test_a_folder_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    demo = start(tmp_path, "--keep", str(tmp_path))
    _, said = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert said.count("\n") == 1
    assert "is not empty" in said


@pytest.mark.parametrize(
    ("options", "missing", "problem"),
    [
        (("--seconds", "60"), None, "--seconds 60: too few"),
        ((), "fastapi", "or leave the page out: --headless"),
    ],
    ids=["seconds", "extra"],
)
def test_what_cannot_succeed_is_refused_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    missing: str | None,
    problem: str,
) -> None:
    if missing is not None:
        monkeypatch.setitem(sys.modules, missing, None)
    keep = tmp_path / "net"
    result = CliRunner().invoke(app, ["demo", "--keep", str(keep), *options])
    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)
    assert not keep.exists()


def test_nobody_can_be_left_out_who_is_not_there(tmp_path: Path) -> None:
    demo = start(tmp_path, "--without", "mallory")
    _, said = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "mallory" in said
    assert "victor" in said


@pytest.mark.timeout(900)
@pytest.mark.skipif(SLOW not in os.environ, reason=f"takes three minutes of two cores; set {SLOW}")
def test_whatever_is_switched_off_is_missed_by_name(tmp_path: Path) -> None:
    away = ("--without", "inspector", "--without", "race", "--without", "victor")
    began = time.monotonic()
    demo = start(tmp_path, "--headless", "--json", "--seconds", "400", *away)
    printed, said = demo.communicate(timeout=800)
    report = json.loads(printed)
    failed = {each["name"] for each in report["expectations"] if not each["held"]}
    assert demo.returncode == 1, said
    assert failed == {"cheats are caught", "the race saves work", "honest validators agree"}, said
    assert report["seconds"] <= time.monotonic() - began
