"""The model that a run leaves behind: what `iota score` and `iota publish` take.

`config.json` is written once. `model.safetensors` is replaced by rename, and carries where it comes
from in its own header, so that weights and their description can never differ.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from iotapretrain.errors import RunError
from iotapretrain.models.config import Config
from iotapretrain.training.checkpoint import Tensors, check_room, sync
from iotapretrain.training.plan import Plan

FOLDER = "model"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def file_tensors(state: Tensors, config: Config, dtype: torch.dtype) -> Tensors:
    """What the weights file holds: each tensor by the name of files, a tied head not at all."""
    stored = config.architecture.stored
    tensors = {stored.get(name, name): tensor.to(dtype) for name, tensor in state.items()}
    if config.tied:
        tensors.pop(config.architecture.head, None)
    return tensors


def export(run: Path, plan: Plan, tensors: Tensors, facts: dict[str, str]) -> Path:
    """Put a model into RUN/model; a reader sees the old weights or the new ones."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    check_room(folder, sum(each.nbytes for each in tensors.values()), "exporting the model")
    document = plan.model | {"torch_dtype": plan.dtype}
    _replace(folder / CONFIG, lambda path: path.write_text(json.dumps(document, indent=2) + "\n"))
    _replace(
        folder / WEIGHTS,
        lambda path: save_file(tensors, path, metadata={"format": "pt", **facts}),
    )
    sync(folder)
    return folder


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    coming = path.with_name(f".{path.name}.new")
    try:
        write(coming)
        coming.chmod(0o644)
        sync(coming)
        os.replace(coming, path)
    except (OSError, SafetensorError) as error:
        coming.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {error}; make room, then --resume") from error
