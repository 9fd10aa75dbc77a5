"""A picture of losses, where `--plot` asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@contextmanager
def loss_chart(file: Path, over: str, title: str = "") -> Iterator[Axes]:
    """Axes for losses over something; what was drawn on them is written as PNG in the end."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("--plot: needs matplotlib; install iotapretrain[plot]") from error
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    yield axes
    axes.set(title=title, xlabel=over, ylabel="loss (nats a token)")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(file, format="png", dpi=120)
    except OSError as error:
        raise InputError(f"--plot {file}: cannot be written: {error.strerror}") from error
