"""The page that ships is the page of the sources."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from iotapretrain.dashboard.app import STATIC
from tests.dashboard.typescript import typescript

WEB = STATIC.parent / "web"
MADE = ("app.js", "app.css", "index.html", "preact-licence.txt", "sources.sha256")


def test_the_types_are_those_of_the_answers() -> None:
    assert (WEB / "src" / "answers.ts").read_text() == typescript(), "run: make web"


def test_the_build_was_made_from_these_sources() -> None:
    sources = [path.relative_to(WEB) for path in (WEB / "src").rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted([*map(str, sources), "index.html", "package-lock.json"]):
        digest.update(path.encode() + b"\0" + (WEB / path).read_bytes() + b"\0")
    assert (STATIC / "sources.sha256").read_text().strip() == digest.hexdigest(), "run: make web"


def test_a_new_build_gives_the_same_bytes(tmp_path: Path) -> None:
    if shutil.which("node") is None or not (WEB / "node_modules").is_dir():
        pytest.skip("no Node with the packages of dashboard/web: make web")
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=WEB, check=True)
    for name in MADE:
        assert (tmp_path / name).read_bytes() == (STATIC / name).read_bytes(), "run: make web"


def test_nothing_comes_from_elsewhere() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)
    for name in MADE:
        text = (STATIC / name).read_text().replace("http://www.w3.org/", "")
        assert "http://" not in text
        assert "https://" not in text
