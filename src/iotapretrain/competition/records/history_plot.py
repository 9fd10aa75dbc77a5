"""The champion's loss over time as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iotapretrain.competition.records.loss_history import Reign
from iotapretrain.errors import InputError


def plot(title: str, reigns: Sequence[Reign], file: Path) -> None:
    """Loss over blocks as PNG, with a mark wherever the crown changed its owner."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("--plot: needs matplotlib; install iotapretrain[plot]") from error
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([reign.block for reign in reigns], [reign.loss for reign in reigns], label="champion")
    new = [reign for reign in reigns if reign.crowned]
    axes.scatter(
        [reign.block for reign in new], [reign.loss for reign in new], label="a new champion"
    )
    axes.set(title=title, xlabel="block", ylabel="loss (nats a token)")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(file, format="png", dpi=120)
    except OSError as error:
        raise InputError(f"--plot {file}: cannot be written: {error.strerror}") from error
