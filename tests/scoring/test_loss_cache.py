"""What was computed once is there ever after, whole, whatever happened to whoever wrote it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iotapretrain.errors import InputError, StoreError
from iotapretrain.scoring import loss_cache as cache_module
from iotapretrain.scoring.loss_cache import LossCache, scoring_code

WRITER = """
import sys
from pathlib import Path
from iotapretrain.scoring.loss_cache import LossCache
cache = LossCache(Path(sys.argv[1]))
for number in range(10**6):
    cache.keep({f"{sys.argv[2]}-{number}-{part}": [number + part / 7] * 50 for part in range(5)})
    print(number, flush=True)
"""


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    answers = {"a": 1 / 3, "b": None, "c": [{"code": "x"}]}
    with LossCache(tmp_path / "deep" / "losses.db") as cache:
        cache.keep(answers)
        assert cache.find([*answers, "unknown"]) == answers
    with LossCache(tmp_path / "deep" / "losses.db") as again:
        assert again.find(answers) == answers


def test_what_is_kept_is_never_replaced(tmp_path: Path) -> None:
    with LossCache(tmp_path / "losses.db") as cache:
        cache.keep({"a": 1.0})
        cache.keep({"a": 2.0})
        assert cache.find(["a"]) == {"a": 1.0}


def test_it_stays_within_its_bound_and_the_oldest_go(tmp_path: Path) -> None:
    with LossCache(tmp_path / "losses.db", entries=10) as cache:
        for number in range(40):
            cache.keep({str(number): number})
        assert set(cache.find(map(str, range(40)))) == {str(number) for number in range(30, 40)}


def test_more_keys_than_one_statement_takes(tmp_path: Path) -> None:
    with LossCache(tmp_path / "losses.db") as cache:
        answers = {str(number): number for number in range(2_345)}
        cache.keep(answers)
        assert cache.find(answers) == answers


def started(path: Path, name: str) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_writers_that_are_killed(tmp_path: Path) -> None:
    """Two at once, killed anywhere: what they had acknowledged is there, nothing by halves."""
    path, rng = tmp_path / "losses.db", random.Random(1)
    for attempt in range(2):
        names = [f"{attempt}{writer}" for writer in "ab"]
        writers = [started(path, name) for name in names]
        last = {}
        for name, process in zip(names, writers, strict=True):
            assert process.stdout is not None
            for _ in range(rng.randint(3, 30)):
                last[name] = int(process.stdout.readline())
        for process in writers:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        with LossCache(path) as cache:
            for name in names:
                for number in range(last[name] + 40):
                    keys = [f"{name}-{number}-{part}" for part in range(5)]
                    found = cache.find(keys)
                    assert len(found) in ((5,) if number <= last[name] else (0, 5))
                    assert all(len(answer) == 50 for answer in found.values())


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\x00" + bytes(99)]
)
def test_a_damaged_file_is_put_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "losses.db"
    path.write_bytes(content)
    with LossCache(path) as cache:
        cache.keep({"a": 1})
        assert cache.find(["a"]) == {"a": 1}
    assert (tmp_path / "losses.db.damaged").read_bytes() == content


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "BUSY_SECONDS", 0.05)
    with LossCache(tmp_path / "losses.db") as first, LossCache(tmp_path / "losses.db") as second:
        first._connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            second.keep({"a": 1})
        first._connection.execute("ROLLBACK")
        second.keep({"a": 1})


def test_a_bound_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bound"):
        LossCache(tmp_path / "losses.db", entries=0)


def test_other_code_is_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = scoring_code()
    scoring_code.cache_clear()
    monkeypatch.setattr(cache_module, "version", lambda name: "0")
    assert scoring_code() != before
    scoring_code.cache_clear()
