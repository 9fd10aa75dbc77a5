"""The folder of a run: its plan, the model that it leaves, and that only one process trains there.

RUN/plan.json       every number, decided once
RUN/records.jsonl   what happened, one event a line
RUN/checkpoints/    where it can go on
RUN/model/          the best model so far by held-out loss: what `iota score` and `publish` take
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import torch
from blake3 import blake3
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import save_file

from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.disk.whole_files import sync_folder, write_whole
from iotapretrain.errors import IotaError, RunError
from iotapretrain.models.config import Config
from iotapretrain.training.checkpoint import Tensors, check_room
from iotapretrain.training.plan import RunPlan, has_begun

PLAN, RECORDS, LOCK, MODEL = "plan.json", "records.jsonl", ".lock", "model"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def read_plan(run: Path) -> RunPlan:
    try:
        return msgspec.json.decode((run / PLAN).read_bytes(), type=RunPlan)
    except (OSError, msgspec.DecodeError, IotaError) as error:
        raise RunError(
            f"{run / PLAN}: cannot be read: {error}; begin anew with another --out"
        ) from error


def settle(run: Path, plan: RunPlan) -> None:
    """Write the plan of a run that begins, whole or not at all; one that began keeps its own."""
    if not has_begun(run):
        write_whole(run / PLAN, msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
    elif read_plan(run) != plan:
        raise RunError(f"{run}: holds a run by another plan; begin this one elsewhere")


def digest(plan: RunPlan) -> str:
    """What a checkpoint must agree with."""
    return blake3(msgspec.json.encode(plan, order="sorted")).hexdigest()


def make(run: Path) -> None:
    """Make the folder, or say why it cannot be made."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise RunError(f"{run}: no folder to write to: {error.strerror}; name another") from error


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Be the only one who trains there; the lock dies with the process."""
    make(run)
    try:
        with FileLock(run / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise RunError(f"{run}: another process is training there; name another --out") from error


def export(
    run: Path,
    plan: RunPlan,
    config: Config,
    state: Tensors,
    facts: dict[str, str],
    tokenizer: Tokenizer,
) -> None:
    """Put a model into RUN/model; a reader sees the old weights or the new ones.

    The weights carry where they come from in their own header, so that the two never differ; the
    tokenizer lies beside them, so that others open both as one.
    """
    folder, stored = run / MODEL, config.architecture.stored
    dtype = getattr(torch, plan.dtype)
    tensors = {stored.get(name, name): tensor.to(dtype) for name, tensor in state.items()}
    if config.tied:  # its head is not in the file
        tensors.pop(config.architecture.head, None)
    folder.mkdir(parents=True, exist_ok=True)
    check_room(folder, sum(each.nbytes for each in tensors.values()), "exporting the model")
    words = {"torch_dtype": plan.dtype, "bos_token_id": None, "eos_token_id": tokenizer.end_id}
    document = json.dumps(plan.model | words, indent=2) + "\n"
    coming = folder / f".{WEIGHTS}.new"
    try:
        for name, content in {CONFIG: document.encode(), **tokenizer.files()}.items():
            write_whole(folder / name, content)
        save_file(tensors, coming, metadata={"format": "pt", **facts})
        coming.chmod(0o644)
        sync_folder(coming)
        os.replace(coming, folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        coming.unlink(missing_ok=True)
        raise RunError(f"{folder}: cannot be written: {error}; make room, then --resume") from error
    sync_folder(folder)
