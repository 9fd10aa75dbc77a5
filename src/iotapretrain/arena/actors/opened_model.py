"""A published model opened by somebody who means to change it, and written down again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class Weights:
    """A model's configuration and its tensors by the names of its file."""

    config: dict[str, Any]
    tensors: dict[str, torch.Tensor]

    @classmethod
    def read(cls, folder: Path) -> Weights:
        """A model of one weights file."""
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return cls(config, load_file(folder / WEIGHTS))

    def write(self, folder: Path) -> Path:
        """A folder that can be published."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(json.dumps(self.config, indent=2) + "\n", encoding="utf-8")
        contiguous = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        save_file(contiguous, folder / WEIGHTS, metadata={"format": "pt"})
        return folder
