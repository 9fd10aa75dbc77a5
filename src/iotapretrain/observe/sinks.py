"""All sinks of a process from three settings: a file always, metrics and wandb where wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent
from iotapretrain.observe.sink import Lines, Several, Sink

if TYPE_CHECKING:
    from iotapretrain.observe.wandb_run import WandbRun


@final
class Sinks:
    """A sink over several, one of which may be an experiment log."""

    def __init__(self, sinks: Sequence[Sink], run: WandbRun | None) -> None:
        self._all, self._run = Several(*sinks), run

    def emit(self, event: AnyEvent) -> None:
        """To each."""
        self._all.emit(event)

    def log(self, fields: Mapping[str, Any]) -> None:
        """Fields that are no event, for the experiment log if there is one."""
        if self._run is not None:
            self._run.log(fields)

    def close(self) -> None:
        """Each."""
        self._all.close()


@contextmanager
def open_sinks(
    records: Path, *, metrics: str | None = None, wandb: str | None = None
) -> Iterator[Sinks]:
    """Where events go: the JSONL file, `/metrics` on HOST:PORT, and runs of a wandb project."""
    with ExitStack() as opened:
        sinks: list[Sink] = [Lines(records)]
        if metrics is not None:
            sinks.append(opened.enter_context(_served(metrics)))
        run = None if wandb is None else _logged(wandb, records.parent)
        if run is not None:
            sinks.append(run)
        opened.callback(Several(*sinks).close)
        yield Sinks(sinks, run)


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


def _logged(project: str, folder: Path) -> WandbRun:
    try:
        from iotapretrain.observe.wandb_run import WandbRun
    except ModuleNotFoundError as error:
        raise _missing("wandb", error) from error
    return WandbRun(project, folder)


def _missing(extra: str, error: ModuleNotFoundError) -> InputError:
    return InputError(f"{extra} needs {error.name}: pip install 'iotapretrain[{extra}]'")
