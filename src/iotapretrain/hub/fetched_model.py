"""A fetched model: its files on this disk, the record that says they are whole, and its hash, which
its owner committed to (competition, 2).
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from iotapretrain.errors import InputError
from iotapretrain.hub.model_files import CARD
from iotapretrain.hub.protocol import Commit
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.digest import ManifestEntry, folder_hash, manifest_digest

RECORD = "model.json"
FILES = "files"
WEIGHTS = (".safetensors", ".safetensors.index.json")


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One verified file; `key` names its content in the cache."""

    path: str
    size: int
    sha256: str
    key: str


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    commit: str
    total_bytes: int
    files: tuple[ModelFile, ...]


@dataclass(frozen=True)
class Model:
    """A whole model below `folder`. `total_bytes` counts the commit's other files too."""

    commit: Commit
    folder: Path
    total_bytes: int
    files: tuple[ModelFile, ...]

    def copy_to(self, folder: Path) -> None:
        """Copy the files to a folder that does not exist; it appears when all are there."""
        if folder.exists():
            raise InputError(f"{folder}: exists already; name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetched-") as coming:
            shutil.copytree(self.folder, Path(coming) / FILES, copy_function=shutil.copyfile)
            os.rename(Path(coming) / FILES, folder)

    def encode(self) -> bytes:
        """The record to keep beside the files."""
        return msgspec.json.encode(_Record(str(self.commit), self.total_bytes, self.files))

    @classmethod
    def read(cls, place: Path) -> Model | None:
        """The model at `place`, or None where its record or one of its files is missing or cut."""
        folder = place / FILES
        try:
            record = msgspec.json.decode((place / RECORD).read_bytes(), type=_Record)
            sound = all((folder / file.path).stat().st_size == file.size for file in record.files)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None
        if not sound:
            return None
        return cls(Commit.parse(record.commit), folder, record.total_bytes, record.files)


HashForm = Literal["manifest", "original"]
"""Ours, which covers names and sizes; or the public network's, which covers contents alone."""


def model_hash(model: Model, form: HashForm = "manifest") -> str:
    """44 characters for the bytes of a model.

    The manifest covers what a score depends on, weights and `config.json`, so that another card or
    tokenizer makes no other model. The original covered what its libraries happened to fetch, here
    everything but the card.
    """
    if form == "manifest":
        return manifest_digest(
            ManifestEntry(file.path, file.size, bytes.fromhex(file.sha256))
            for file in model.files
            if file.path == "config.json" or file.path.endswith(WEIGHTS)
        )
    others = (file for file in model.files if file.path != CARD)
    hashes = {file.path: base64.b64encode(bytes.fromhex(file.sha256)) for file in others}
    return folder_hash({path: digest.decode() for path, digest in hashes.items()})


def is_bound(
    model: Model, commitment: Commitment, hotkey: str, form: HashForm = "manifest"
) -> bool:
    """Whether this hotkey committed to this repository, this commit and these bytes."""
    named = (commitment.namespace, commitment.name, commitment.commit)
    repository = model.commit.repository
    if named != (repository.namespace, repository.name, model.commit.id):
        return False
    return commitment.binds(model_hash(model, form), hotkey)
