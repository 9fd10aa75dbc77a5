"""A fetched model: its files on this disk, and the record that says they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iotapretrain.errors import InputError
from iotapretrain.hub.protocol import Commit

RECORD = "model.json"
FILES = "files"


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

    @property
    def keys(self) -> frozenset[str]:
        """The contents it is made of."""
        return frozenset(file.key for file in self.files)

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
