"""Models on this disk: whole or not there, each content once, within a budget. The folders below
ROOT are those of docs/hub.md, and `tmp/` for models on their way in or out.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from iotapretrain.disk.whole_files import sync_folder, try_lock, user_cache, write_whole
from iotapretrain.errors import MissingModelError
from iotapretrain.hub.disk_budget import CacheRoom
from iotapretrain.hub.fetched_model import FILES, RECORD, Model, ModelFile
from iotapretrain.hub.protocol import Commit, FileEntry


def default_folder() -> Path:
    return user_cache() / "hub"


class ModelCache(CacheRoom):
    """Safe for any number of processes."""

    def find(self, commit: Commit) -> Model | None:
        """The model, if it is here and whole; finding it counts as use."""
        place = self._place(commit)
        model = Model.read(place)
        if model is not None:
            self._touch(place)
        return model

    @contextmanager
    def hold(self, commit: Commit) -> Iterator[Model]:
        """The model, which nobody evicts before the end."""
        place = self._place(commit)
        descriptor = try_lock(place / RECORD, shared=True)
        try:
            model = self.find(commit)
            if descriptor is None or model is None:
                raise MissingModelError(f"{commit}: not in the cache {self.root}; fetch it first")
            yield model
            self._touch(place)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def blob(self, entry: FileEntry) -> Path:
        """Where the content of this file lies once it is whole."""
        return self.root / "blobs" / entry.content_key

    def partial(self, entry: FileEntry) -> Path:
        """Where the content of this file grows."""
        return self.root / "partial" / entry.content_key

    def install(self, commit: Commit, entries: Sequence[FileEntry], total_bytes: int) -> Model:
        """Make a model of contents that are all here."""
        place, coming = self._place(commit), self.root / "tmp" / uuid.uuid4().hex
        with self.deciding():
            if (model := Model.read(place)) is not None:
                return model
            files = tuple(self._link(entry, coming / FILES) for entry in entries)
            model = Model(commit, place / FILES, total_bytes, files)
            write_whole(coming / RECORD, model.encode())
            self._touch(coming)
            place.parent.mkdir(parents=True, exist_ok=True)
            self.discard(place)
            os.rename(coming, place)
            sync_folder(place.parent)
        return model

    def _link(self, entry: FileEntry, folder: Path) -> ModelFile:
        blob, path = self.blob(entry), folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(blob, path)
        sha256 = entry.sha256 or _sha256(blob)
        return ModelFile(entry.path, entry.size, sha256, entry.content_key)

    def _place(self, commit: Commit) -> Path:
        repository = commit.repository
        return self.root / "models" / repository.namespace / repository.name / commit.id

    def _touch(self, place: Path) -> None:
        with suppress(FileNotFoundError):
            os.utime(place / RECORD, (self.clock(),) * 2)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
