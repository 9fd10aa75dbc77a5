"""A run as a picture: losses over tokens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent, TrainEvaluated, TrainStep


def plot(events: Iterable[AnyEvent], file: Path) -> None:
    """Training loss and held-out loss over tokens, as PNG; steps trained again count once."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("--plot: needs matplotlib; install iotapretrain[plot]") from error
    trained: dict[int, float] = {}
    measured: dict[int, float] = {}
    for event in events:
        if isinstance(event, TrainStep):
            trained[event.tokens] = event.loss
        elif isinstance(event, TrainEvaluated):
            measured[event.tokens] = event.held_out_loss
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*_line(trained), linewidth=0.8, alpha=0.6, label="training batch")
    axes.plot(*_line(measured), marker="o", markersize=3, label="held-out text")
    axes.set(xlabel="tokens", ylabel="loss (nats a token)")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(file, format="png", dpi=120)
    except OSError as error:
        raise InputError(f"--plot {file}: cannot be written: {error.strerror}") from error


def _line(values: dict[int, float]) -> tuple[list[int], list[float]]:
    places = sorted(values)
    return places, [values[place] for place in places]
