"""A run as people see it: lines on a terminal, one of them always up to date, and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.status import Status

from iotapretrain.net.retry import duration
from iotapretrain.observe import events
from iotapretrain.observe.events import AnyEvent
from iotapretrain.observe.loss_chart import loss_chart


class RunProgress:
    """Shows a run's events; where there is no terminal, only the lines that stay."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._planned = 0
        self._loss: float | None = None

    def emit(self, event: AnyEvent) -> None:
        match event:
            case events.TrainStarted():
                self._started(event)
            case events.TrainStep():
                self._loss = event.loss
                if self._status is not None:
                    self._status.update(_step_line(event, self._planned))
            case events.TrainEvaluated():
                self._console.print(_evaluated_line(event, self._loss), highlight=False)
            case events.Checkpointed() if self._status is not None:
                self._status.update(f"checkpoint of step {event.step:,} is whole")
            case events.TrainFinished():
                self.close()

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _started(self, event: events.TrainStarted) -> None:
        self._planned = event.planned_tokens or 0
        verb = f"goes on at step {event.resumed_at_step:,}" if event.resumed_at_step else "begins"
        self._console.print(
            f"{event.architecture} of {event.parameters:,} parameters for {event.competition},"
            f" from {event.origin}: {verb}, {self._planned:,} tokens planned",
            highlight=False,
        )
        if self._console.is_terminal:
            self._status = self._console.status("the first steps …")
            self._status.start()


def _step_line(event: events.TrainStep, planned: int) -> str:
    """Step, loss, speed, share of the peak, memory and the time that is left."""
    share = "" if event.flops_share is None else f"  MFU {event.flops_share:.0%}"
    left = max(planned - event.tokens, 0) / max(event.tokens_per_second, 1e-9)
    return (
        f"step {event.step:,}  {event.tokens / max(planned, 1):.0%}  loss {event.loss:.4f}"
        f"  {event.tokens_per_second:,.0f} tokens/s{share}"
        f"  {event.memory_bytes / 2**30:.1f} GiB  {duration(left)} left"
    )


def _evaluated_line(event: events.TrainEvaluated, loss: float | None) -> str:
    """Held-out loss beside that of the last batch."""
    batch = "" if loss is None else f"  batch {loss:.4f}"
    mark = "  best so far" if event.best else ""
    return (
        f"step {event.step:,}  {event.tokens:,} tokens  held-out {event.held_out_loss:.4f}"
        f"{batch}{mark}"
    )


def plot(records: Iterable[AnyEvent], file: Path) -> None:
    """Training loss and held-out loss over tokens, as PNG; steps trained again count once."""
    trained: dict[int, float] = {}
    measured: dict[int, float] = {}
    for event in records:
        if isinstance(event, events.TrainStep):
            trained[event.tokens] = event.loss
        elif isinstance(event, events.TrainEvaluated):
            measured[event.tokens] = event.held_out_loss
    with loss_chart(file, "tokens") as axes:
        axes.plot(*_line(trained), linewidth=0.8, alpha=0.6, label="training batch")
        axes.plot(*_line(measured), marker="o", markersize=3, label="held-out text")


def _line(values: dict[int, float]) -> tuple[list[int], list[float]]:
    places = sorted(values)
    return places, [values[place] for place in places]
