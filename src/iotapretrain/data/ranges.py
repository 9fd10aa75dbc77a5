"""Ranges of a file's bytes, each checked against what the file is known to be."""

from __future__ import annotations

import atexit
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2

from iotapretrain.errors import ChangedSourceError, InputError, UnavailableSourceError
from iotapretrain.net.retry import Deadline, PassingFault, Patience, retry_after

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
CHANGED = frozenset({412, 416})

_ADVICE = {
    **dict.fromkeys((401, 403), ": access refused; accept its terms and set HF_TOKEN or log in"),
    **dict.fromkeys((404, 410), ": not there; check path and revision"),
    **dict.fromkeys((200, 206), ": does not answer range requests; use another mirror"),
}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class PagePatience(Patience):
    """Each limit bounds the one before it: silence (seconds without a byte) ≤ attempt (one request)
    ≤ seconds (all attempts for one page). `docs/data.md` explains them together.
    """

    first_pause: float = 0.5
    longest_pause: float = 30.0
    seconds: float = 180.0
    """All attempts for one page; a validator's round lasts about 1,800 s."""
    silence_seconds: float = 15.0
    """Connecting, and between two pieces of an answer."""
    attempt_seconds: float = 60.0
    """One request: cuts off a server that sends a byte now and then."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.silence_seconds <= self.attempt_seconds <= self.seconds:
            raise InputError(f"patience {self}: want 0 < silence ≤ attempt ≤ page seconds")


@cache
def http_client() -> httpx2.Client:
    """The one client of a process: its pool outlives single sources and is closed at the end."""
    client = httpx2.Client(follow_redirects=True)
    atexit.register(client.close)
    return client


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file is known by between two reads of it."""

    size: int
    version: str
    """ETag, or time of change; empty where a pinned commit already fixes the bytes."""


@dataclass(frozen=True)
class RangeFile(ABC):
    """A file of which parts can be read; `path` is its path or its URL."""

    source: str
    path: str
    patience: PagePatience

    @abstractmethod
    def tail(self, count: int, deadline: Deadline) -> tuple[bytes, Stamp]:
        """The last `count` bytes (fewer when it is shorter) and the file's stamp now."""

    @abstractmethod
    def read(self, start: int, stop: int, stamp: Stamp, deadline: Deadline) -> bytes:
        """Bytes `start` to `stop`; a `ChangedSourceError` if the stamp is another by now."""

    def _fault(self, problem: object, asked: float | None = None) -> PassingFault:
        return PassingFault(self.source, f"{self.path}: {problem}", asked)

    def _unavailable(self, problem: object) -> UnavailableSourceError:
        return UnavailableSourceError(self.source, f"{self.path}: {problem}")

    def _changed(self) -> ChangedSourceError:
        return ChangedSourceError(
            self.source, f"{self.path}: no longer the file that was indexed; pin the new revision"
        )


@dataclass(frozen=True)
class HttpFile(RangeFile):
    """A file behind a URL that answers range requests."""

    headers: Mapping[str, str] = field(default_factory=dict)
    immutable: bool = False
    """The URL names a commit: its ETag may differ between mirrors, its bytes cannot."""

    def tail(self, count: int, deadline: Deadline) -> tuple[bytes, Stamp]:
        def fits(first: int, last: int, now: Stamp) -> bool:
            return (first, last) == (max(0, now.size - count), now.size - 1)

        return self._read(f"bytes=-{count}", fits, deadline)

    def read(self, start: int, stop: int, stamp: Stamp, deadline: Deadline) -> bytes:
        def fits(first: int, last: int, now: Stamp) -> bool:
            if now != stamp:
                raise self._changed()
            return (first, last) == (start, stop - 1)

        return self._read(f"bytes={start}-{stop - 1}", fits, deadline)[0]

    def _read(
        self, wanted: str, fits: Callable[[int, int, Stamp], bool], deadline: Deadline
    ) -> tuple[bytes, Stamp]:
        """The bytes of a range; what is announced must fit before they are taken."""

        def attempt() -> tuple[bytes, Stamp]:
            seconds = min(self.patience.attempt_seconds, deadline.left())
            if seconds <= 0:
                raise self._fault("no time left")
            until = self.patience.deadline(seconds)
            with self._asked(wanted, seconds) as response:
                first, last, stamp = self._announced(response)
                if not fits(first, last, stamp):
                    raise self._fault("answered another range than asked for")
                return self._body(response, last - first + 1, until), stamp

        return self.patience.keep_trying(attempt, deadline)

    @contextmanager
    def _asked(self, wanted: str, seconds: float) -> Iterator[httpx2.Response]:
        headers = {**self.headers, "Range": wanted, "Accept-Encoding": "identity"}
        timeout = httpx2.Timeout(min(self.patience.silence_seconds, seconds))
        try:
            with http_client().stream("GET", self.path, headers=headers, timeout=timeout) as answer:
                yield answer
        except httpx2.TransportError as error:
            raise self._fault(f"{type(error).__name__}: {error}") from error
        except httpx2.HTTPError as error:
            raise self._unavailable(error) from error

    def _announced(self, response: httpx2.Response) -> tuple[int, int, Stamp]:
        """First and last byte, and the stamp of the file, as a partial answer announces them."""
        status = response.status_code
        if status in PASSING_STATUSES:
            raise self._fault(f"HTTP {status}", retry_after(response.headers.get("Retry-After")))
        if status in CHANGED:
            raise self._changed()
        announced = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if status != httpx2.codes.PARTIAL_CONTENT or announced is None:
            advice = _ADVICE.get(status, "; check the location")
            raise self._unavailable(f"HTTP {status}{advice}")
        named = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        stamp = Stamp(int(announced[3]), "" if self.immutable else named)
        return int(announced[1]), int(announced[2]), stamp

    def _body(self, response: httpx2.Response, count: int, attempt: Deadline) -> bytes:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > count:
                raise self._fault("more bytes than announced")
            if attempt.left() <= 0:
                raise self._fault(f"{len(body)} of {count} bytes in the time given")
        if len(body) < count:
            raise self._fault(f"cut off after {len(body)} of {count} bytes")
        return bytes(body)


@dataclass(frozen=True)
class SystemFile(RangeFile):
    """A file of an `fsspec` file system: a folder here, or an object store."""

    system: Any

    def tail(self, count: int, deadline: Deadline) -> tuple[bytes, Stamp]:
        def attempt() -> tuple[bytes, Stamp]:
            with self._faults():
                stamp = self._stamp()
                return self._cat(max(0, stamp.size - count), stamp.size), stamp

        return self.patience.keep_trying(attempt, deadline)

    def read(self, start: int, stop: int, stamp: Stamp, deadline: Deadline) -> bytes:
        def attempt() -> bytes:
            with self._faults():
                content = self._cat(start, stop)
                if self._stamp() != stamp:
                    raise self._changed()
            if len(content) != stop - start:
                raise self._fault(f"{len(content)} of {stop - start} bytes")
            return content

        return self.patience.keep_trying(attempt, deadline)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
            raise self._unavailable(error) from error
        except OSError as error:
            raise self._fault(error) from error

    def _cat(self, start: int, stop: int) -> bytes:
        return bytes(self.system.cat_file(self.path, start, stop))

    def _stamp(self) -> Stamp:
        return system_stamp(self.system.info(self.path))


def system_stamp(info: Mapping[str, Any]) -> Stamp:
    """The stamp in what a file system says of a file."""
    version = info.get("ETag") or info.get("mtime") or info.get("LastModified") or ""
    return Stamp(int(info["size"]), str(version))
