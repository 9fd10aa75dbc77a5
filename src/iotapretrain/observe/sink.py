"""Where events go. A role takes one `Sink` and never asks what is behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from iotapretrain.errors import InputError
from iotapretrain.observe.events import AnyEvent


class Sink(Protocol):
    """Takes events; closing it makes sure that they arrived."""

    def emit(self, event: AnyEvent) -> None:
        """Take one event."""

    def close(self) -> None:
        """Let nothing be lost."""


class Silence:
    """A sink for whoever wants no records."""

    def emit(self, event: AnyEvent) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to lose."""


class Several:
    """Every event to all of these, in their order."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def emit(self, event: AnyEvent) -> None:
        """To each."""
        for sink in self._sinks:
            sink.emit(event)

    def close(self) -> None:
        """Each."""
        for sink in self._sinks:
            sink.close()


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


def read_events(path: Path) -> Iterator[AnyEvent]:
    """The events of a file in their order; lines that are none (cut short, or newer kinds) are not
    events and are passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    decoder = msgspec.json.Decoder(AnyEvent)
    for line in lines:
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue
