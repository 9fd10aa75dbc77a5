"""The processes of a network: started together, watched, and ended together, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

GRACE_SECONDS = 10.0
"""From the request to end to the end of patience; validators finish what they are writing."""


class Company:
    """Each process leads a group of its own, so that whatever it started ends with it."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs, self.environment = logs, environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._excused: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(list(self._running))

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process; what it says goes to a log of its own."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def failed(self) -> dict[str, str]:
        """Who has ended with an error, and its last line."""
        ended = {name: process.poll() for name, process in self._running.items()}
        return self._excused | {
            name: f"{self._last_words(name)} (exit {code})" for name, code in ended.items() if code
        }

    def excuse(self, name: str, words: str) -> None:
        """Count somebody among the failed who did not end with an error."""
        self._excused[name] = words

    def running(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def stop(self, names: Sequence[str]) -> None:
        """Ask these to end, wait, and end them."""
        processes = [self._running[name] for name in names if name in self._running]
        for process in processes:
            _signal(process, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        for process in processes:
            try:
                process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            _signal(process, signal.SIGKILL)  # whatever it left behind in its group

    def _last_words(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "said nothing"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:  # the whole group has ended
        return
