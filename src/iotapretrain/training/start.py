"""Where a run starts from: nothing, or a model that somebody made: `--from`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.errors import InputError
from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.fetched_model import Model as Fetched
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.protocol import Commit, Hub
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.config import Config, read_config
from iotapretrain.models.layout import Model, load
from iotapretrain.models.open_files import CONFIG, open_folder
from iotapretrain.models.verdict import Rejection
from iotapretrain.models.weight_files import stored_tensors
from iotapretrain.training.planning import Start

SCRATCH = "scratch"
HUB = "hub:"

_CHAMPION = re.compile(r"best|uid:\d{1,5}")

Finder = Callable[[str], Fetched]
"""From `best` or `uid:N` to the model that is committed on the chain, fetched."""


@dataclass(frozen=True)
class Library:
    """Where models are fetched from, and who knows which one is meant."""

    hub: Hub
    cache: Cache
    find: Finder
    max_bytes: int

    def folder(self, origin: str) -> tuple[str, Path]:
        """A model's full name and its folder here: of `hub:REPO@COMMIT`, `best` or `uid:N`."""
        if origin.startswith(HUB):
            commit = Commit.parse(origin.removeprefix(HUB))
            model = fetch(self.hub, commit, self.cache, max_bytes=self.max_bytes)
        else:
            model = self.find(origin)
        return f"{HUB}{model.commit}", model.folder


def is_remote(origin: str) -> bool:
    """Whether a library is needed."""
    return origin.startswith(HUB) or _CHAMPION.fullmatch(origin) is not None


def public_name(origin: str) -> str:
    """An origin as strangers may read it: the name of a folder is nobody's business."""
    return origin if origin == SCRATCH or origin.startswith(HUB) else "a local model"


def find_start(origin: str, library: Callable[[], Library]) -> Start:
    """The start that the text names; a path, where it is nothing else."""
    name, folder = library().folder(origin) if is_remote(origin) else (origin, Path(origin))
    return Start(name, _document(read_model(folder)[0]), folder)


def read_model(folder: Path) -> tuple[Config, Model]:
    """A model of a stranger: weights and configuration as data, nothing else of the folder."""
    try:
        with open_folder(folder) as opened:
            entry = opened.find(CONFIG)
            if entry is None:
                raise InputError(f"{folder}: no {CONFIG}; give a model's folder")
            config = read_config(entry.read(0, entry.size), [*ARCHITECTURES])
            return config, load(config, stored_tensors(opened))
    except Rejection as rejection:
        raise InputError(f"{folder}: cannot be trained on: {rejection}") from rejection


def _document(config: Config) -> dict[str, object]:
    """What of a configuration is obeyed."""
    name, model_type = config.architecture.name, config.architecture.model_type
    return {"architectures": [name], "model_type": model_type, **config.values}
