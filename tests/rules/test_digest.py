"""Digests of folders: ours tells apart what the original's does not."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.digest import (
    ManifestEntry,
    check_path,
    file_hash,
    folder_hash,
    manifest_digest,
)

names = st.text("abB.é", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
folders = st.dictionaries(paths, st.binary(max_size=4), max_size=4)


def entry(path: str, content: bytes) -> ManifestEntry:
    return ManifestEntry(path, len(content), hashlib.sha256(content).digest())


def digest(folder: dict[str, bytes]) -> str:
    return manifest_digest(entry(path, content) for path, content in folder.items())


@given(folders, folders)
def test_digests_are_equal_exactly_when_folders_are(
    first: dict[str, bytes], second: dict[str, bytes]
) -> None:
    assert (digest(first) == digest(second)) == (first == second)


@given(folders, st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(
    folder: dict[str, bytes], order: random.Random
) -> None:
    listed = list(folder.items())
    order.shuffle(listed)
    assert digest(dict(listed)) == digest(folder)


def test_the_digest_never_changes() -> None:
    folder = {"config.json": b"{}", "model.safetensors": b"W"}
    assert digest(folder) == "3rndxPaQFfuHX6F6LpBiPqfNX0dzwrnwhBs00Nlj614="
    assert len(digest(folder)) == 44  # fits where the original's does


@pytest.mark.parametrize(
    "other",
    [
        {"config.json": b"{}", "renamed.safetensors": b"W"},
        {"config.json": b"{}", "sub/model.safetensors": b"W"},
        {"config.json": b"W", "model.safetensors": b"{}"},
        {"config.json": b"{}", "model.safetensors": b"W", "empty.txt": b""},
    ],
)
def test_defect_30_names_take_part(other: dict[str, bytes]) -> None:
    """In the original's hash, renaming and moving files changes nothing."""
    assert digest(other) != digest({"config.json": b"{}", "model.safetensors": b"W"})


def test_the_original_ignores_names() -> None:
    assert folder_hash({"a": file_hash(b"W")}) == folder_hash({"b/c": file_hash(b"W")})


def test_the_original_takes_files_before_sub_folders() -> None:
    hashes = {"a/z": "1", "b": "2", "a/b/c": "3", "B/x": "4"}
    assert folder_hash(hashes) == file_hash(b"2413")


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a\\b", "a\0", "\ud800"]
)
def test_paths_that_are_not_plain_are_refused(path: str) -> None:
    for use in (check_path, lambda path: entry(path, b""), lambda path: folder_hash({path: "x"})):
        with pytest.raises(InputError, match="not plain"):
            use(path)


def test_a_file_listed_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        manifest_digest([entry("a", b"1"), entry("a", b"2")])


@pytest.mark.parametrize(("size", "hashed"), [(-1, bytes(32)), (0, bytes(31))])
def test_impossible_entries_are_refused(size: int, hashed: bytes) -> None:
    with pytest.raises(InputError, match="manifest: a"):
        ManifestEntry("a", size, hashed)
