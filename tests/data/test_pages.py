"""From a seed to pages and their digests, against pinned values.

Regenerate with `IOTA_REGENERATE_GOLDEN=1 pytest tests/data/test_page_ids.py`: the values of the
running Python are added to the file; those of others stay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.data.batches import PageText, draw, page_digest, read_page
from iotapretrain.data.documents import Document, document
from iotapretrain.data.locations import Pattern
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.record_files import JsonLines
from iotapretrain.data.text_folder import FolderSource
from iotapretrain.errors import UnavailableSourceError
from iotapretrain.rules.sampling import Page
from tests.data.conftest import ListSource

GOLDEN = Path(__file__).parent / "golden"
REGENERATE = os.environ.get("IOTA_REGENERATE_GOLDEN") == "1"


def sampled(*arguments: str, folder: Path, hash_seed: str = "0") -> Any:
    """What `iota data sample … --json` prints in a process of its own."""
    command = [
        str(Path(sys.executable).with_name("iota")),
        "data",
        "sample",
        *arguments,
        "--json",
    ]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "IOTA_CACHE": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def golden(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """The pinned values, after adding what was found where that is asked for."""
    path = GOLDEN / f"{name}.json"
    pinned: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if REGENERATE:
        pinned |= found
        path.write_text(json.dumps(pinned, indent=2, sort_keys=True) + "\n")
    return pinned


ARGUMENTS = ("--source", "python-docs", "--seed", "7", "--pages", "4")


def test_two_fresh_processes_print_the_pinned_digests(tmp_path: Path) -> None:
    first = sampled(*ARGUMENTS, folder=tmp_path / "one", hash_seed="1")
    second = sampled(*ARGUMENTS, folder=tmp_path / "two", hash_seed="2")
    third = sampled(*ARGUMENTS, folder=tmp_path / "two", hash_seed="3")  # from the cache
    assert first == second == third
    assert len({page["digest"] for page in first["pages"]}) == 4
    pinned = golden("python-docs", {first["revision"]: first})
    if first["revision"] not in pinned:
        pytest.skip(f"nothing pinned for {first['revision']}: see this file's first lines")
    assert pinned[first["revision"]] == first


def test_text_of_our_own_has_the_pinned_digests_on_every_python(cache: PageCache) -> None:
    source = FolderSource("poem", GOLDEN / "poem", Pattern("*.jsonl"), JsonLines(), cache)
    description = source.describe()
    pages = draw(description, 7, 1, "POEM", 3).first(4)
    found = {
        "revision": description.revision,
        "pages": {
            f"{page.start}+{page.rows}": read_page(source, page, cache).digest for page in pages
        },
    }
    assert golden("poem", found) == found


def test_a_digest_frames_its_documents() -> None:
    def digest(*texts: str) -> str:
        return page_digest(tuple(map(document, texts)))

    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


@given(st.lists(st.text(alphabet="ab", max_size=3), max_size=4))
def test_a_digest_depends_on_text_alone(texts: list[str]) -> None:
    plain = tuple(Document(text) for text in texts)
    flawed = tuple(Document(text, repaired=True) for text in texts)
    assert page_digest(plain) == page_digest(flawed)


def test_a_page_is_fetched_once_and_then_comes_from_the_cache(cache: PageCache) -> None:
    source = ListSource(["one", "", "th\ud800ree"])
    first = read_page(source, Page("all", 0, 3), cache)
    again = read_page(source, Page("all", 0, 3), PageCache(cache.folder))
    assert first == again
    assert len(source.fetched) == 1
    assert first.texts == ["one", "th\ufffdree"]
    assert first.counts == {"documents": 3, "characters": 9, "empty": 1, "repaired": 1, "cut": 0}


def test_another_revision_is_another_page(cache: PageCache) -> None:
    old, new = ListSource(["old"]), ListSource(["new"], revision="2")
    assert read_page(old, Page("all", 0, 1), cache).texts == ["old"]
    assert read_page(new, Page("all", 0, 1), cache).texts == ["new"]


def test_a_page_that_fails_leaves_nothing_in_the_cache(cache: PageCache) -> None:
    source = ListSource(["one"], failing={0: UnavailableSourceError("list", "down")})
    with pytest.raises(UnavailableSourceError):
        read_page(source, Page("all", 0, 1), cache)
    source.failing.clear()
    found: PageText = read_page(source, Page("all", 0, 1), cache)
    assert found.texts == ["one"]


def test_competition_task_and_seed_each_change_the_draw() -> None:
    description = ListSource(["x"] * 10_000).describe()
    draws = {
        draw(description, seed, competition, task, 10).first(5)
        for seed in (1, 2)
        for competition in (1, 2)
        for task in ("A", "B")
    }
    assert len(draws) == 8
