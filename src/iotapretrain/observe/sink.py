"""Where events go: a file always, metrics and an experiment log where wanted.

A role takes one `Sink` and never asks what is behind it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, final

import msgspec

from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent, TrainStarted


class Sink(Protocol):
    """Takes events; closing it makes sure that they arrived."""

    def emit(self, event: AnyEvent) -> None:
        """Take one event."""

    def close(self) -> None:
        """Let nothing be lost."""


class Several:
    """Every event to all of these, in their order."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def emit(self, event: AnyEvent) -> None:
        for sink in self._sinks:
            sink.emit(event)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()

    def log(self, fields: Mapping[str, Any]) -> None:
        """Fields that are no event, to experiment logs alone."""
        for sink in self._sinks:
            if isinstance(sink, WandbRun):
                sink.log(fields)


class NoSink(Several):
    """None at all, for whoever wants no records."""


class Lines:
    """One JSON object a line, appended whole: a kill can at most cut the last line short.

    The cut line of an earlier process is ended before the first new one, so it spoils nothing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def emit(self, event: AnyEvent) -> None:
        """In one write, so that lines of several processes do not mix."""
        os.write(self._file, msgspec.json.encode(event) + b"\n")

    def close(self) -> None:
        """Down to the disk."""
        os.fsync(self._file)
        os.close(self._file)


@final
class WandbRun:
    """A run of Weights & Biases, offline unless this machine is logged in.

    Numbers of an event become graphs named `KIND/FIELD`; the rest stays in the file.
    """

    def __init__(self, project: str, folder: Path) -> None:
        try:
            import wandb
        except ModuleNotFoundError as error:
            raise _missing("wandb", error) from error
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
            if isinstance(value, int | float) and name != "time"
        }
        if numbers:
            self._run.log({"time": event.time, **numbers})

    def log(self, fields: Mapping[str, Any]) -> None:
        """Fields that are no event: those of a round in the original's form."""
        self._run.log(dict(fields))

    def close(self) -> None:
        self._run.finish()


@contextmanager
def open_sinks(
    records: Path, *, metrics: str | None = None, wandb: str | None = None
) -> Iterator[Several]:
    """Where events go: the JSONL file, `/metrics` on HOST:PORT, and runs of a wandb project."""
    with ExitStack() as opened:
        sinks: list[Sink] = [Lines(records)]
        if metrics is not None:
            sinks.append(opened.enter_context(_served(metrics)))
        if wandb is not None:
            sinks.append(WandbRun(wandb, records.parent))
        all_ = Several(*sinks)
        opened.callback(all_.close)
        yield all_


@contextmanager
def _served(address: str) -> Iterator[Sink]:
    try:
        from prometheus_client import start_http_server

        from iotapretrain.observe.metrics import Metrics
    except ModuleNotFoundError as error:
        raise _missing("metrics", error) from error
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"metrics {address!r}: write HOST:PORT, such as 127.0.0.1:9100")
    sink = Metrics()
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), sink.registry)
    except OSError as error:
        raise InputError(
            f"metrics {address}: cannot listen there: {error.strerror or error}"
        ) from error
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _missing(extra: str, error: ModuleNotFoundError) -> InputError:
    return InputError(f"{extra} needs {error.name}: pip install 'iotapretrain[{extra}]'")
