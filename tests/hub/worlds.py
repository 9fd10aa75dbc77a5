"""The hubs that one suite runs on, each with the same faults before it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from iotapretrain.disk.whole_files import pieces
from iotapretrain.errors import UnavailableHubError
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import (
    MAIN,
    Commit,
    FileEntry,
    Hub,
    Listing,
    RepositoryId,
    Visibility,
)
from iotapretrain.net.retry import Patience
from tests.hub.faults import Fault, Faults, Operation

ALICES = RepositoryId("alice", "model")
PATIENCE = Patience(first_pause=0.0, longest_pause=0.0, rng=random.Random(7))


@dataclass
class World:
    """A hub, opened as anybody, and what goes wrong with it."""

    kind: str
    address: str
    hub_as: Callable[[str | None], Hub]
    faults: Faults
    environment: Mapping[str, str] = field(default_factory=dict)
    """What another process needs to be alice on it."""


class FaultyHub:
    """A folder hub that fails as a network would."""

    def __init__(self, hub: FolderHub, faults: Faults) -> None:
        self._hub, self._faults = hub, faults

    @property
    def name(self) -> str:
        return self._hub.name

    def publish(self, folder: ModelFolder, repository: RepositoryId, message: str) -> Commit:
        def attempt() -> Commit:
            commit = self._hub.publish(folder, repository, message)
            self._strike("publishing")
            return commit

        return PATIENCE.keep_trying(attempt)

    def add(self, files: Mapping[str, bytes], repository: RepositoryId, message: str) -> Commit:
        def attempt() -> Commit:
            commit = self._hub.add(files, repository, message)
            self._strike("publishing")
            return commit

        return PATIENCE.keep_trying(attempt)

    def visibility(self, repository: RepositoryId) -> Visibility:
        return self._hub.visibility(repository)

    def set_visibility(self, repository: RepositoryId, visibility: Visibility) -> None:
        self._hub.set_visibility(repository, visibility)

    def resolve(self, repository: RepositoryId, revision: str = MAIN) -> Commit:
        return PATIENCE.keep_trying(
            lambda: self._strike("resolving") or self._hub.resolve(repository, revision)
        )

    def listing(self, commit: Commit) -> Listing:
        return PATIENCE.keep_trying(lambda: self._strike("listing") or self._hub.listing(commit))

    @contextmanager
    def read(self, commit: Commit, entry: FileEntry, start: int = 0) -> Iterator[Iterator[bytes]]:
        fault = self._faults.take("reading", entry.path) or Fault("reading", entry.path)
        _refuse(fault)
        with self._hub.read(commit, entry, start) as arriving:
            yield self._spoiled(fault, entry.path, fault.spoil(b"".join(arriving)))

    def delete(self, repository: RepositoryId) -> None:
        self._hub.delete(repository)

    def _strike(self, operation: Operation) -> None:
        _refuse(self._faults.take(operation))

    def _spoiled(self, fault: Fault, path: str, body: bytes) -> Iterator[bytes]:
        size = fault.piece
        for piece in (body[at : at + size] for at in range(0, len(body[: fault.cut_after]), size)):
            self._faults.count(path, len(piece))
            yield piece
            time.sleep(fault.drip or 0.0)


def _refuse(fault: Fault | None) -> None:
    if fault is not None and fault.status is not None:
        raise UnavailableHubError(f"answer {fault.status}", fault.retry_after)


def write_model(folder: Path, seed: int = 1, size: int = 300_000) -> Path:
    """What looks like a model: weights, configuration, tokenizer, and a file to be left out."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(rng.randbytes(size))
    (folder / "config.json").write_text(f'{{"model_type": "tiny", "seed": {seed}}}')
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    (folder / "optimizer.pt").write_bytes(b"\x80\x04N.")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): b"".join(pieces(path))
        for path in folder.rglob("*")
        if path.is_file()
    }
