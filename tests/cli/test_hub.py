"""`iota hub` as a person meets it: real processes on a folder hub."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.cli.workplace import parse_size
from iotapretrain.errors import InputError

SIZE = 200_000


def iota(
    *arguments: str | Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    code = "from iotapretrain.cli.main import main; main()"
    command = [sys.executable, "-c", code, "hub", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=before
    )


def answer(*arguments: str | Path) -> Any:
    done = iota(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(*arguments: str | Path, before: Callable[[], None] | None = None) -> str:
    done = iota(*arguments, before=before)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def hub(tmp_path: Path) -> tuple[str, ...]:
    return ("--hub", f"folder:{tmp_path / 'hub'}", "--as", "alice")


@pytest.fixture
def commit(hub: tuple[str, ...], tmp_path: Path) -> str:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"\1" * SIZE)
    (folder / "config.json").write_text("{}")
    (folder / "train.log").write_text("step 1")
    said = answer("publish", folder, "--repo", "alice/model", *hub)
    assert (said["visibility"], said["left_out"]) == ("private", ["train.log"])
    return str(said["commit"])


def test_from_one_folder_to_another(hub: tuple[str, ...], commit: str, tmp_path: Path) -> None:
    listed = answer("list", "alice/model", *hub)
    assert (listed["commit"], listed["bytes"]) == (commit, SIZE + 2)
    assert [file["path"] for file in listed["files"]] == ["config.json", "model.safetensors"]
    cache, to = tmp_path / "cache", tmp_path / "here" / "copy"
    fetched = answer("fetch", commit, *hub, "--cache", cache, "--to", to)
    assert (fetched["commit"], fetched["folder"]) == (commit, str(to))
    assert len(fetched["model_hash"]) == 44
    assert (to / "model.safetensors").read_bytes() == b"\1" * SIZE
    assert "exists already" in refusal("fetch", commit, *hub, "--cache", cache, "--to", to)
    kept = answer("clean", "--budget", "0", "--cache", cache)
    assert kept == {"removed": [], "freed_bytes": 0, "used_bytes": SIZE + 2}
    gone = answer("clean", "--budget", "0", "--cache", cache, "--grace", "0")
    assert gone == {"removed": [commit], "freed_bytes": SIZE + 2, "used_bytes": 0}


def test_text_for_people(hub: tuple[str, ...], commit: str, tmp_path: Path) -> None:
    listed = iota("list", commit, *hub)
    assert listed.stdout.splitlines()[0] == f"{commit}  {SIZE + 2} bytes"
    again = iota("publish", tmp_path / "model", "--repo", "alice/model", "--public", *hub[:2])
    assert again.stdout == f"{commit}  public\n"
    assert again.stderr == "left out, no file of a model: train.log\n"
    fetched = iota("fetch", commit, *hub[:2], "--cache", tmp_path / "cache")
    assert fetched.stdout.startswith(str(tmp_path / "cache"))
    assert fetched.stderr == ""


def test_what_cannot_be_done_is_one_line(hub: tuple[str, ...], commit: str, tmp_path: Path) -> None:
    cache = ("--cache", tmp_path / "cache")
    assert "more than the 1000 allowed" in refusal(
        "fetch", commit, *hub, *cache, "--max-bytes", "1kB"
    )
    assert "do not fit" in refusal("fetch", commit, *hub, *cache, "--budget", "100kB")
    assert "no such repository" in refusal("list", "alice/model", *hub[:2])
    assert "names no commit" in refusal("fetch", "alice/model", *hub, *cache)
    assert "folder:PATH, hf or hf:ENDPOINT" in refusal("list", commit, "--hub", "nowhere")
    assert "may not write" in refusal("publish", tmp_path / "model", "--repo", "bob/model", *hub)
    assert "15GiB" in refusal("clean", "--budget", "much", *cache)


def test_a_full_disk_is_said_and_breaks_nothing(
    hub: tuple[str, ...], commit: str, tmp_path: Path
) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, SIZE // 2))

    cache = tmp_path / "cache"
    said = refusal("fetch", commit, *hub, "--cache", cache, before=small_files_only)
    assert "make room, fetch again" in said
    assert not list((cache / "partial").glob("*"))
    assert not list((cache / "reserved").iterdir())
    assert answer("fetch", commit, *hub, "--cache", cache)["commit"] == commit


@pytest.mark.parametrize("command", ["publish", "list", "fetch", "clean"])
def test_help_shows_an_example(command: str) -> None:
    assert f"Example: iota hub {command} " in iota(command, "--help").stdout


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("15GiB", 15 << 30), ("50GB", 50 * 10**9), ("1.5 kb", 1500), ("7", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "1 potato", "٣"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="size"):
        parse_size(text)
