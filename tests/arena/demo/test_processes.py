"""Processes end with their company, whatever they started themselves."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from iotapretrain.arena.demo.processes import Company

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def said(company: Company, name: str) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if text := company.log(name).read_text().strip():
            return text
        time.sleep(0.02)
    raise AssertionError(f"{name} said nothing")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    with Company(tmp_path, os.environ) as company:
        company.start("parent", python(PARENT))
        grandchild = int(said(company, "parent"))
        assert alive(grandchild)
    until = time.monotonic() + 10
    while alive(grandchild) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(grandchild)


def test_patience_with_the_deaf_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iotapretrain.arena.demo.processes.GRACE_SECONDS", 0.5)
    with Company(tmp_path, os.environ) as company:
        company.start("deaf", python(DEAF))
        said(company, "deaf")
        company.stop(["deaf"])
        assert not company.running("deaf")


def test_who_ended_badly_is_known_by_the_last_words(tmp_path: Path) -> None:
    with Company(tmp_path, os.environ) as company:
        company.start("good", python("print('fine')"))
        company.start("bad", python("import sys; print('no room'); sys.exit(2)"))
        company.excuse("late", "had no time")
        while company.running("good") or company.running("bad"):
            time.sleep(0.02)
        assert company.failed() == {"late": "had no time", "bad": "no room (exit 2)"}
