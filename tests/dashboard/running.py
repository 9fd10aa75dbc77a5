"""The dashboard as a process, and a browser to look at it with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60.0
PROGRAM = "from iotapretrain.cli.main import main; main()"


@contextmanager
def started(network: Path, port: int = 0, *options: str) -> Iterator[tuple[str, int]]:
    """`iota dashboard` on a network: its address without the last slash, and its process."""
    command = [sys.executable, "-c", PROGRAM, "dashboard", "--network", str(network)]
    command += ["--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("dashboard: http://127.0.0.1:"), line
        yield line.removeprefix("dashboard: ").rstrip("/"), process.pid
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
    assert code in (0, 130)


@contextmanager
def dashboard(network: Path, port: int = 0, *options: str) -> Iterator[str]:
    """The same; its address alone."""
    with started(network, port, *options) as (address, _):
        yield address


def wait_for(address: str, path: str, key: str, least: int, patience: float = PATIENCE) -> None:
    """Until a number of an answer has grown so far."""
    until = time.monotonic() + patience
    with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE) as client:
        while (client.get(path).json().get(key) or 0) < least:
            if time.monotonic() > until:
                raise TimeoutError(f"{path}: {key} stays below {least}")
            time.sleep(0.1)


def has_chromium() -> bool:
    return shutil.which(CHROMIUM) is not None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
