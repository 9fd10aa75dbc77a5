"""What was fetched once stays on disk: content-addressed, of bounded size, shared by all processes
of a machine. Files appear by rename, so that readers need no lock; writers take one, because the
bound counts the bytes of all of them (docs/data.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from iotapretrain.disk.eviction import Kept, choose
from iotapretrain.disk.whole_files import PRIVATE, locked, user_cache, write_whole
from iotapretrain.errors import InputError, UnavailableHubError

DEFAULT_BYTES = 16 << 30
ROOM = 0.9
"""Evicting goes down to this share of the bound, so that it is seldom needed."""

_DIGEST = re.compile("[0-9a-f]{64}")


def default_folder() -> Path:
    """`$IOTA_CACHE`, else the user's cache folder."""
    if chosen := os.environ.get("IOTA_CACHE"):
        return Path(chosen)
    return user_cache() / "data"


@dataclass(frozen=True)
class PageCache:
    """Bytes by name in `folder`, at most `limit` of them; the longest unused go first."""

    folder: Path
    limit: int = DEFAULT_BYTES

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise InputError(f"cache {self.folder}: limit {self.limit}: give 0 or more bytes")

    def get(self, name: str) -> bytes | None:
        """What was put under `name`, or None when it was not, was evicted or is damaged."""
        try:
            digest = self._name_path(name).read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        return self.read(digest) if _DIGEST.fullmatch(digest) else None

    def read(self, digest: str) -> bytes | None:
        """The object with this digest, or None; reading counts as use."""
        path = self._object_path(digest)
        try:
            content = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        if blake3(content).hexdigest() != digest:
            path.unlink(missing_ok=True)
            return None
        return content

    def put(self, name: str, content: bytes) -> str:
        """Keep `content`, unless it is larger than the bound; returns its digest."""
        digest = blake3(content).hexdigest()
        if len(content) > self.limit:
            return digest
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / "lock"):
                path = self._object_path(digest)
                if not path.exists():
                    self._make_room(len(content))
                    _write(path, content)
                _write(self._name_path(name), digest.encode())
        except (OSError, UnavailableHubError) as error:  # the latter if the lock is not let go
            raise InputError(
                f"cache {self.folder}: cannot write: {error};"
                " free space there or choose another folder with IOTA_CACHE"
            ) from error
        return digest

    def forget(self, name: str) -> None:
        """Take the name away; its object goes when it is the longest unused."""
        self._name_path(name).unlink(missing_ok=True)

    def size(self) -> int:
        with locked(self.folder / "lock"):
            return sum(path.stat().st_size for path in self._paths("objects"))

    def _make_room(self, wanted: int) -> None:
        """Count up; past the bound evict and count anew, which heals a wrong count."""
        try:
            counted = int((self.folder / "size").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            counted = self.limit  # lost: count anew
        if counted + wanted > self.limit:
            counted = self._evict(wanted)
        # Counted before it is written: a crash in between leaves the count too high, never too low.
        _write(self.folder / "size", str(counted + wanted).encode())

    def _evict(self, wanted: int) -> int:
        kept, sizes = [], {}
        for path in self._paths("objects"):
            with suppress(FileNotFoundError):  # a reader found it damaged just now
                sizes[path.name] = path.stat().st_size
                kept.append(Kept.content(path))
        total = sum(sizes.values())
        bound = self.limit if total + wanted <= self.limit else int(self.limit * ROOM)
        chosen, freed = choose(kept, sizes, frozenset(), total + wanted - bound)
        for each in chosen:
            each.place.unlink(missing_ok=True)
        self._sweep_names()
        return total - freed

    def _sweep_names(self) -> None:
        """Names of objects that have gone would pile up; under the lock none can be new."""
        for path in self._paths("names"):
            with suppress(FileNotFoundError):  # forgotten just now
                digest = path.read_text(encoding="ascii", errors="replace")
                if not self._object_path(digest).exists():
                    path.unlink()

    def _paths(self, kind: str) -> Iterator[Path]:
        """All whole files below a folder; what a killed writer left behind is removed."""
        for path in (self.folder / kind).glob("*/*"):
            if _DIGEST.fullmatch(path.name):
                yield path
            else:
                path.unlink(missing_ok=True)

    def _object_path(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest

    def _name_path(self, name: str) -> Path:
        digest = blake3(name.encode()).hexdigest()
        return self.folder / "names" / digest[:2] / digest


def _write(path: Path, content: bytes) -> None:
    """Without waiting for the disk: what a power cut takes is fetched again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content, PRIVATE, durable=False)
