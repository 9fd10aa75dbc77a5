"""Changes to the files of a model that is open are noticed; another name for one is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from iotapretrain.models.open_files import CONFIG, open_folder


def relink(config: Path) -> None:
    os.link(config, config.parent.parent / "another-name")


def unlink(config: Path) -> None:
    (config.parent.parent / "a-name").unlink()


@pytest.mark.parametrize("change", [relink, unlink], ids=["linked", "unlinked"])
def test_a_cache_may_link_a_file_elsewhere(folder: Path, change: Callable[[Path], None]) -> None:
    os.link(folder / CONFIG, folder.parent / "a-name")
    with open_folder(folder) as opened:
        change(folder / CONFIG)
        assert opened.changes() == []


def rewrite(config: Path) -> None:
    before = config.stat()
    config.write_bytes(config.read_bytes().replace(b"2", b"3"))
    os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(config: Path) -> None:
    content = config.read_bytes()
    config.unlink()
    config.write_bytes(content)


@pytest.mark.parametrize("change", [rewrite, swap, Path.unlink], ids=["content", "swap", "gone"])
def test_a_change_is_noticed(folder: Path, change: Callable[[Path], None]) -> None:
    with open_folder(folder) as opened:
        change(folder / CONFIG)
        (finding,) = opened.changes()
        assert finding.item == CONFIG
