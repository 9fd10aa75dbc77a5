"""Checkpoints, `RUN/checkpoints/step-N/`: whole or not there, complete, and few. A folder gets its
name after all bytes are on the disk; its position holds size and BLAKE3 of the tensors' files,
`digest` its own, so that a checkpoint that was damaged later is told, and the one before it serves.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from blake3 import blake3
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from iotapretrain.data.stream import StreamState
from iotapretrain.disk.whole_files import sync_folder
from iotapretrain.errors import RunError
from iotapretrain.training.plan import CHECKPOINTS as FOLDER

WEIGHTS, OPTIMISER = "weights.safetensors", "optimiser.safetensors"
POSITION, DIGEST = "position.json", "digest"
RANDOM = "random:cpu"
"""Where the state of torch's generator lies among the tensors of the optimiser."""
SPARE_BYTES = 16 << 20
"""Free room that must be left beside a checkpoint: for records, and for the folder itself."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the kernel says when there is no room."""

_NAME = re.compile(r"step-\d{8,}")

Tensors = dict[str, torch.Tensor]
Say = Callable[[str], None]


class FileMark(msgspec.Struct, frozen=True):
    """What a file of a checkpoint must be."""

    size: int
    blake3: str


class RunPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands, beside its tensors."""

    plan: str
    """BLAKE3 of the plan: a checkpoint of another run fits none of this one's."""
    step: int
    tokens: int
    seconds: float
    """Of training so far, over all sittings."""
    best: float
    lanes: tuple[StreamState, ...]
    files: dict[str, FileMark] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class RunSnapshot:
    """All that a run needs to go on."""

    position: RunPosition
    weights: Tensors
    optimiser: Tensors

    @property
    def bytes(self) -> int:
        return sum(each.nbytes for part in (self.weights, self.optimiser) for each in part.values())


def save(run: Path, snapshot: RunSnapshot, keep: int) -> int:
    """Write a checkpoint and drop all but the newest `keep`; the bytes it takes.

    A full disk is found before the first byte, or at the latest with only what was new to lose.
    """
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".step-*"):
        shutil.rmtree(stale)
    name = f"step-{snapshot.position.step:08d}"
    check_room(folder, snapshot.bytes, f"checkpoint {name}")
    coming = folder / f".{name}"
    try:
        coming.mkdir()
        _write(coming, snapshot)
        if (folder / name).exists():  # of a step that is trained again
            shutil.rmtree(folder / name)
        os.rename(coming, folder / name)
        sync_folder(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(coming, ignore_errors=True)
        why = "the disk is full" if getattr(error, "errno", None) in FULL else error
        raise RunError(
            f"checkpoint {name}: cannot be written to {folder}: {why};"
            " earlier ones are whole: make room, then --resume"
        ) from error
    for old in _names(folder)[:-keep]:
        shutil.rmtree(folder / old)
    return sum(each.stat().st_size for each in (folder / name).iterdir())


def newest(run: Path, plan: str, say: Say) -> RunSnapshot | None:
    """The newest checkpoint that is whole; each that is not is spoken of. None before the first."""
    names = _names(run / FOLDER)
    for name in reversed(names):
        try:
            return read(run / FOLDER / name, plan)
        except RunError as error:
            say(f"{error}; the one before it is tried")
    if names:
        raise RunError(f"{run}: none of its checkpoints is whole; begin a new run elsewhere")
    return None


def read(place: Path, plan: str) -> RunSnapshot:
    """A checkpoint, verified byte by byte."""
    try:
        content = (place / POSITION).read_bytes()
        if blake3(content).hexdigest() != (place / DIGEST).read_text(encoding="ascii"):
            raise RunError(f"checkpoint {place.name}: {POSITION} is damaged")
        position = msgspec.json.decode(content, type=RunPosition)
        for name, mark in position.files.items():
            if _mark(place / name) != mark:
                raise RunError(f"checkpoint {place.name}: {name} is damaged")
        weights, optimiser = load_file(place / WEIGHTS), load_file(place / OPTIMISER)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, SafetensorError) as error:
        raise RunError(f"checkpoint {place.name}: cannot be read: {error}") from error
    if position.plan != plan:
        raise RunError(f"checkpoint {place.name}: belongs to another plan")
    return RunSnapshot(position, weights, optimiser)


def check_room(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what the disk cannot hold."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise RunError(
            f"{what}: needs {needed + SPARE_BYTES:,} bytes, {folder} has {free:,} left; nothing was"
            " written and earlier ones are whole: make room, then --resume"
        )


def _write(folder: Path, snapshot: RunSnapshot) -> None:
    save_file(snapshot.weights, folder / WEIGHTS)
    save_file(snapshot.optimiser, folder / OPTIMISER)
    files = {name: _mark(folder / name) for name in (WEIGHTS, OPTIMISER)}
    position = msgspec.structs.replace(snapshot.position, files=files)
    content = msgspec.json.encode(position)
    (folder / POSITION).write_bytes(content)
    (folder / DIGEST).write_text(blake3(content).hexdigest(), encoding="ascii")
    for name in (WEIGHTS, OPTIMISER, POSITION, DIGEST):
        sync_folder(folder / name)
    sync_folder(folder)


def _mark(path: Path) -> FileMark:
    hasher = blake3(max_threads=blake3.AUTO)
    hasher.update_mmap(path)
    return FileMark(path.stat().st_size, hasher.hexdigest())


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(
        (each.name for each in folder.iterdir() if _NAME.fullmatch(each.name)),
        key=lambda name: int(name.removeprefix("step-")),
    )
