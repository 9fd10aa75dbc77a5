"""How figures look: light, plain, and told apart without telling colours apart.

The colours are Okabe and Ito's, which people with any kind of colour vision can separate; lines
also differ in their markers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Drawing: TypeAlias = "Figure"
"""What an experiment draws on, for those who do not import what draws."""

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#6B7280"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
INK, FAINT = "#1F2937", "#D1D5DB"

_STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def require_matplotlib() -> None:
    """Say early that figures cannot be drawn here, before anything is computed for them."""
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(
            "figures need matplotlib, which is not installed: pip install 'iotapretrain[plot]'"
        )


def save(path: Path, draw: Callable[[Figure], None]) -> None:
    """Let `draw` fill a figure, and write it as PNG; no screen is needed."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    with rc_context(cast(Any, _STYLE)):
        figure = Canvas(figsize=(7.2, 3.3), dpi=100, layout="constrained")
        draw(figure)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, metadata={"Software": None}, pil_kwargs={"optimize": True})
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; give a folder to write to") from None


def percent(axis: Axis) -> None:
    """Label an axis in per cent of 1."""
    axis.set_major_formatter(lambda value, _: f"{100 * value:.6g} %")


def lines(
    axes: Axes, x: Sequence[float], curves: Mapping[str, Sequence[float]], first: int = 0
) -> None:
    """A line a setting, by its label; its place decides its colour and marker."""
    for place, (label, y) in enumerate(curves.items(), first):
        axes.plot(x, y, color=COLOURS[place], marker=MARKERS[place], label=label)


def level(axes: Axes, height: float) -> None:
    """A faint line to compare with."""
    axes.axhline(height, color=GREY, linewidth=0.9, linestyle=":")


def log_ticks(axes: Axes, ticks: Sequence[float]) -> None:
    """A logarithmic x axis that names these places only."""
    axes.set(xscale="log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def legend_below(figure: Figure, axes: Axes, columns: int) -> None:
    """What the colours of one part mean, for the whole figure."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns)
