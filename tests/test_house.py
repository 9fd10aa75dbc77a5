"""The shape of the source: no circles, and measures that may only get better.

`tests/house.toml` holds what stands today: how many small files there are, which names repeat.
Whoever makes one of them better lowers it there; a test says so. Whoever makes one worse fails.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests import house

ALLOWED = tomllib.loads((Path(__file__).parent / "house.toml").read_text())


def may_only_shrink(what: str, found: Iterable[str]) -> None:
    """What there is, is what the list allows, and nothing is listed that is gone."""
    there, allowed = set(found), set(ALLOWED[what])
    assert not there - allowed, f"{what}: {sorted(there - allowed)}; find another way or name"
    assert not allowed - there, f"{what}: gone: {sorted(allowed - there)}; out of tests/house.toml"


@pytest.mark.parametrize("inside_functions", [False, True], ids=["imported", "run"])
def test_no_files_need_each_other(inside_functions: bool) -> None:
    """Not even around many corners, nor when they run."""
    assert house.circles(house.imports(inside_functions)) == []


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("small_files", lambda: len(house.small_files())),
        ("repeated_runs", lambda: len(house.repeated_runs())),
        ("repeated_runs_of_code", lambda: len(house.repeated_runs(with_fields=False))),
    ],
)
def test_a_count_does_not_grow(what: str, found: Callable[[], int]) -> None:
    count = found()
    assert count <= ALLOWED["ceilings"][what], f"{what}: python -m tests.house names them"


def test_no_file_is_too_long() -> None:
    assert house.long_files() == {}


def test_functions_are_short() -> None:
    may_only_shrink("long_functions", house.long_functions())


def test_a_file_stem_means_one_file() -> None:
    may_only_shrink("repeated_stems", house.repeated_stems())


def test_a_public_class_name_means_one_class() -> None:
    may_only_shrink("repeated_classes", house.repeated_classes())


def test_a_circle_is_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert house.circles(edges) == [["a", "b", "c"]]
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
