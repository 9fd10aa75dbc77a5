"""All sinks of a process from three settings: a file always, metrics and wandb where wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from iotapretrain.errors import InputError
from iotapretrain.observe.sink import Lines, Several, Sink


@contextmanager
def open_sinks(
    records: Path, *, metrics: str | None = None, wandb: str | None = None
) -> Iterator[Sink]:
    """Where events go: the JSONL file, `/metrics` on HOST:PORT, and runs of a wandb project."""
    with ExitStack() as closing:
        sinks: list[Sink] = [Lines(records)]
        closing.callback(sinks[0].close)
        if metrics is not None:
            sinks.append(closing.enter_context(_served(metrics)))
        if wandb is not None:
            sinks.append(closing.enter_context(_logged(wandb, records.parent)))
        yield Several(*sinks)


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


@contextmanager
def _logged(project: str, folder: Path) -> Iterator[Sink]:
    try:
        from iotapretrain.observe.wandb_run import WandbRun
    except ModuleNotFoundError as error:
        raise _missing("wandb", error) from error
    run = WandbRun(project, folder)
    try:
        yield run
    finally:
        run.close()


def _missing(extra: str, error: ModuleNotFoundError) -> InputError:
    return InputError(f"{extra} needs {error.name}: pip install 'iotapretrain[{extra}]'")
