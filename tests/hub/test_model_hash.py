"""A model's hash belongs to its files, its commit and its owner."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest

from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import HashForm, Model, is_bound, model_hash
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.rules.competition.commitment import Commitment, secure_hash
from iotapretrain.rules.digest import file_hash
from tests.hub.worlds import ALICES

ALICE, BOB = "5" + "a" * 47, "5" + "b" * 47
FILES: dict[str, bytes] = {
    "README.md": b"# card\n",
    "config.json": b"{}",
    "model.safetensors": b"W",
    "tokenizer.json": b"T",
}


def fetched(root: Path, files: dict[str, bytes]) -> Model:
    hub = FolderHub(root / "hub", "alice")
    commit = hub.publish(ModelFolder(dict(files)), ALICES, "a model")
    return fetch(hub, commit, ModelCache(root / "cache"), max_bytes=1000)


def test_the_hashes_are_pinned(tmp_path: Path) -> None:
    model = fetched(tmp_path, FILES)
    assert model_hash(model) == "3rndxPaQFfuHX6F6LpBiPqfNX0dzwrnwhBs00Nlj614="
    parts = "".join(file_hash(FILES[path]) for path in sorted(FILES) if path != "README.md")
    assert model_hash(model, "original") == file_hash(parts.encode())


@pytest.mark.parametrize(
    ("change", "ours", "originals"),
    [
        ({"README.md": b"# another card\n"}, True, True),
        ({"tokenizer.json": b"U"}, True, False),
        ({"extra.json": b"{}"}, True, False),
        ({"config.json": b"{ }"}, False, False),
        ({"model.safetensors": b"V"}, False, False),
        ({"model-2.safetensors": b""}, False, False),
    ],
)
def test_only_what_a_score_depends_on_makes_another_model(
    tmp_path: Path, change: dict[str, bytes], ours: bool, originals: bool
) -> None:
    one, other = fetched(tmp_path / "1", FILES), fetched(tmp_path / "2", {**FILES, **change})
    assert (model_hash(one) == model_hash(other)) is ours
    assert (model_hash(one, "original") == model_hash(other, "original")) is originals


def test_renaming_makes_another_model_for_us_alone(tmp_path: Path) -> None:
    renamed = {path.replace("model.", "w."): content for path, content in FILES.items()}
    moved = {"config.json": b"{}", "model.safetensors": b"W"}
    one, other = fetched(tmp_path / "1", FILES), fetched(tmp_path / "2", renamed)
    assert model_hash(one) != model_hash(other)
    short = fetched(tmp_path / "3", moved)
    swapped = fetched(tmp_path / "4", {"config.json": b"{}", "z.safetensors": b"W"})
    assert model_hash(short, "original") == model_hash(swapped, "original")


@pytest.mark.parametrize("form", ["manifest", "original"])
def test_a_commitment_binds_bytes_commit_and_owner(tmp_path: Path, form: HashForm) -> None:
    model = fetched(tmp_path, FILES)
    bound = secure_hash(model_hash(model, form), ALICE)
    commitment = Commitment("alice", "model", model.commit.id, bound, 4)
    assert len(commitment.text.encode()) <= 128
    assert is_bound(model, commitment, ALICE, form)
    assert not is_bound(model, commitment, BOB, form)
    for wrong in ({"namespace": "bob"}, {"name": "other"}, {"commit": "0" * 40}):
        assert not is_bound(model, dataclasses.replace(commitment, **wrong), ALICE, form)
    other = fetched(tmp_path / "2", {**FILES, "model.safetensors": b"V"})
    renamed = dataclasses.replace(commitment, commit=other.commit.id)
    assert not is_bound(other, renamed, ALICE, form)


def test_the_original_hash_is_that_of_the_folder_without_the_card(tmp_path: Path) -> None:
    files = {**FILES, "sub/a.json": b"1", "Z.json": b"2"}
    model = fetched(tmp_path, files)
    texts: list[str] = []
    for folder, folders, names in os.walk(model.folder):
        folders.sort()
        texts += [
            file_hash((Path(folder) / name).read_bytes())
            for name in sorted(names)
            if name != "README.md"
        ]
    assert model_hash(model, "original") == file_hash("".join(texts).encode())


def test_the_record_says_what_lies_there(tmp_path: Path) -> None:
    model = fetched(tmp_path, FILES)
    for file in model.files:
        assert file.sha256 == hashlib.sha256(FILES[file.path]).hexdigest()
