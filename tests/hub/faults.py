"""Faults that read as a sentence: `faults.reading("config.json").is_cut_after(7).twice()`."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Operation = Literal["resolving", "listing", "reading", "publishing", "uploading"]


@dataclass
class Fault:
    """What goes wrong with an operation, and how many times it still will."""

    operation: Operation
    path: str | None
    status: int | None = None
    retry_after: int | None = None
    cut_after: int | None = None
    drip: float | None = None
    piece: int = 1 << 16
    wrong: bool = False
    surplus: bytes = b""
    whole: bool = False
    left: int = 1

    def answers(self, status: int, retry_after: int | None = None) -> Fault:
        self.status, self.retry_after = status, retry_after
        return self

    def is_cut_after(self, size: int) -> Fault:
        self.cut_after = size
        return self

    def drips(self, pause: float, piece: int = 1) -> Fault:
        """A piece, a pause, a piece, a pause."""
        self.drip, self.piece = pause, piece
        return self

    def sends_wrong_bytes(self) -> Fault:
        self.wrong = True
        return self

    def sends_more(self, surplus: bytes) -> Fault:
        self.surplus = surplus
        return self

    def ignores_ranges(self) -> Fault:
        self.whole = True
        return self

    def once(self) -> None:
        self.left = 1

    def twice(self) -> None:
        self.left = 2

    def times(self, number: int) -> None:
        self.left = number

    def always(self) -> None:
        self.left = 1 << 30

    def spoil(self, body: bytes) -> bytes:
        """The body as it is sent instead."""
        if self.wrong:
            body = bytes(byte ^ 1 for byte in body[:1]) + body[1:]
        return body + self.surplus


@dataclass
class Faults:
    """The faults that a hub still has before it, and a count of what was asked of it and sent."""

    pending: list[Fault] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def resolving(self) -> Fault:
        return self._add("resolving", None)

    def listing(self) -> Fault:
        return self._add("listing", None)

    def reading(self, path: str | None = None) -> Fault:
        return self._add("reading", path)

    def publishing(self) -> Fault:
        return self._add("publishing", None)

    def uploading(self) -> Fault:
        return self._add("uploading", None)

    def take(self, operation: Operation, path: str | None = None) -> Fault | None:
        """The fault that strikes now, if any."""
        with self._lock:
            self.asked[operation] += 1
            for fault in self.pending:
                if fault.left and fault.operation == operation and fault.path in (None, path):
                    fault.left -= 1
                    return fault
        return None

    def count(self, path: str, size: int) -> None:
        with self._lock:
            self.sent[path] += size

    @property
    def bytes_sent(self) -> int:
        """Bytes of all files that left the hub."""
        return sum(self.sent.values())

    def _add(self, operation: Operation, path: str | None) -> Fault:
        fault = Fault(operation, path)
        with self._lock:
            self.pending.append(fault)
        return fault
