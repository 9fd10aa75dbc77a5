"""How far a publication came: a small file beside the model, so that a killed one goes on.

    MODEL.publishing/steps.json   what is being published, and what is done of it
    MODEL.publishing/check/       the model as the hub gives it back, until it is compared

The hub and the chain are asked before anything is done again; this file only spares what is dear
to repeat, and says when a commitment may be on its way.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from iotapretrain.disk.whole_files import try_lock, write_whole
from iotapretrain.errors import InputError
from iotapretrain.hub.protocol import Commit, RepositoryId

SUFFIX = ".publishing"


class Intent(msgspec.Struct, frozen=True):
    """What is published, by whom, and where: another intent begins anew."""

    model_hash: str
    hotkey: str
    network: str
    """The chain's genesis hash."""
    netuid: int
    competition: int
    hub: str
    repository: str


class Steps(msgspec.Struct, frozen=True):
    """What is done: each field is set once its step is."""

    intent: Intent
    uploaded: str | None = None
    """The hub's commit."""
    compared: bool = False
    """The hub gave back what was sent."""
    sent: float | None = None
    """When a commitment was last handed to the chain, as seconds since 1970."""

    @property
    def commit(self) -> Commit | None:
        """Where the model lies on the hub."""
        repository = RepositoryId.parse(self.intent.repository)
        return Commit(repository, self.uploaded) if self.uploaded else None


class Notes:
    """The folder of a publication, held by one process."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "steps.json"

    @classmethod
    @contextmanager
    def beside(cls, model: Path) -> Iterator[Self]:
        """The folder beside a model; InputError while another process publishes this model."""
        folder = model.resolve().with_name(model.resolve().name + SUFFIX)
        try:
            folder.mkdir(exist_ok=True)
            descriptor = try_lock(folder / "lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise InputError(
                f"{folder}: {error.strerror}; the publication is noted there"
            ) from error
        if descriptor is None:
            raise InputError(f"{model}: another process is publishing it; wait for that one")
        try:
            yield cls(folder)
        finally:
            os.close(descriptor)

    def begin(self, intent: Intent) -> Steps:
        """What is done already of this intent; a file that cannot be read holds nothing."""
        try:
            steps = msgspec.json.decode(self._file.read_bytes(), type=Steps)
        except (FileNotFoundError, msgspec.DecodeError):
            return Steps(intent)
        return steps if steps.intent == intent else Steps(intent)

    def write(self, steps: Steps) -> Steps:
        text = msgspec.json.format(msgspec.json.encode(steps)) + b"\n"
        try:
            write_whole(self._file, text)
        except OSError as error:
            raise InputError(f"{self._file}: {error.strerror}; mend that, and repeat") from error
        return steps

    @property
    def check(self) -> Path:
        return self._folder / "check"

    def clear(self) -> None:
        """Give back the room of the comparison."""
        shutil.rmtree(self.check, ignore_errors=True)
