"""Events as a run of Weights & Biases: offline unless this machine is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import msgspec
import wandb

from iotapretrain.observe.events import AnyEvent, TrainStarted

NUMBERS = (int, float)


@final
class WandbRun:
    """One run. Numbers of an event become graphs named `KIND/FIELD`; the rest stays in the file."""

    def __init__(self, project: str, folder: Path) -> None:
        self._run = wandb.init(
            project=project,
            dir=str(folder),
            mode=None if wandb.login(prompt=False) else "offline",
            settings=wandb.Settings(silent=True, console="off"),
        )

    def emit(self, event: AnyEvent) -> None:
        """Its numbers, and a start's settings as the run's configuration."""
        if isinstance(event, TrainStarted):
            self._run.config["source"] = event.source
            self._run.config["settings"] = event.settings
        kind = str(event.__struct_config__.tag)
        fields = msgspec.structs.asdict(event)
        numbers = {
            f"{kind}/{name}": value
            for name, value in fields.items()
            if isinstance(value, NUMBERS) and name != "time"
        }
        if numbers:
            self._run.log({"time": event.time, **numbers})

    def log(self, fields: Mapping[str, Any]) -> None:
        """Fields that are no event: those of a round in the original's form."""
        self._run.log(dict(fields))

    def close(self) -> None:
        """Write everything out."""
        self._run.finish()
