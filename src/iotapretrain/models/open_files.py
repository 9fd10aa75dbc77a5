"""A model's files, opened once: everything is read through these, never again by path. What can
still change is their content, so size, times and identity are compared at the end.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from iotapretrain.errors import InputError
from iotapretrain.models.verdict import Code, Finding, Rejection, is_machines
from iotapretrain.rules.digest import ManifestEntry, manifest_digest

MOST_FILES = 1_000
READ_BYTES = 2**20
CONFIG = "config.json"
WEIGHTS = ".safetensors"
INDEX = ".safetensors.index.json"
CODE_SUFFIXES = frozenset({".py", ".pyc", ".so"})
PICKLE_SUFFIXES = frozenset(
    {".bin", ".ckpt", ".h5", ".joblib", ".msgpack", ".npy", ".npz"}
    | {".pickle", ".pkl", ".pt", ".pth"}
)
"""Formats that run code when they are opened, or that nobody here reads."""


@dataclass(frozen=True)
class OpenFile:
    """A regular file that is open for reading; `path` is relative, with / between parts."""

    path: str
    descriptor: int
    status: os.stat_result

    @classmethod
    def of(cls, path: str, descriptor: int) -> OpenFile:
        return cls(path, descriptor, os.fstat(descriptor))

    @property
    def size(self) -> int:
        return self.status.st_size

    def read(self, position: int, count: int) -> bytearray:
        """Exactly `count` bytes; fewer mean that the file was cut off since it was opened."""
        content = bytearray(count)
        rest = memoryview(content)
        while rest:
            arrived = os.preadv(self.descriptor, [rest], position)
            if not arrived:
                raise Rejection(Code.MISBEHAVED, f"{self.path} shrank while it was read", self.path)
            position += arrived
            rest = rest[arrived:]
        return content

    def sha256(self) -> bytes:
        hasher = hashlib.sha256()
        for position in range(0, self.size, READ_BYTES):
            hasher.update(self.read(position, min(READ_BYTES, self.size - position)))
        return hasher.digest()


@dataclass(frozen=True)
class OpenFolder:
    """The files of a model that a score depends on, open; and the bytes of all its files."""

    root: Path
    files: tuple[OpenFile, ...]
    all_bytes: int

    @classmethod
    def of(cls, files: Mapping[str, int], all_bytes: int) -> OpenFolder:
        """Files that somebody else opened, by path, as a worker gets them."""
        opened = tuple(OpenFile.of(path, descriptor) for path, descriptor in files.items())
        return cls(Path("model"), opened, all_bytes)

    def find(self, path: str) -> OpenFile | None:
        return next((file for file in self.files if file.path == path), None)

    def digest(self) -> str:
        """The digest that a commitment binds: over exactly these files (competition, 2)."""
        return manifest_digest(
            ManifestEntry(file.path, file.size, file.sha256()) for file in self.files
        )

    def changes(self) -> list[Finding]:
        """What happened to the files since they were opened."""
        return [
            Finding(Code.MISBEHAVED, f"{file.path} was changed or replaced while in use", file.path)
            for file in self.files
            if not _untouched(self.root / file.path, file)
        ]


@contextmanager
def open_folder(root: Path) -> Iterator[OpenFolder]:
    """Open what counts in a model's folder, or Rejection: code, pickles, no plain files."""
    paths = _listing(root)
    total = sum(status.st_size for _, status in paths)
    _refuse_suffixes([path for path, _ in paths])
    counting = [path for path, _ in paths if path == CONFIG or path.endswith((WEIGHTS, INDEX))]
    with _opened(root, counting) as files:
        yield OpenFolder(root, files, total)


@contextmanager
def open_named(root: Path, path: str, *beside: str) -> Iterator[OpenFolder]:
    """Open one file of a folder, and those beside it that are there, or Rejection."""
    there = [other for other in beside if (root / other).exists()]
    with _opened(root, [path, *there]) as files:
        yield OpenFolder(root, files, sum(file.size for file in files))


@contextmanager
def _opened(root: Path, paths: Iterable[str]) -> Iterator[tuple[OpenFile, ...]]:
    with ExitStack() as stack:
        files = []
        for path in paths:
            with _unreadable_is_refused(path):
                flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
                descriptor = os.open(root / path, flags)
            stack.callback(os.close, descriptor)
            files.append(OpenFile.of(path, descriptor))
            _check_plain(path, files[-1].status)
        yield tuple(files)


def _listing(root: Path) -> list[tuple[str, os.stat_result]]:
    """All files below a folder. A link counts as the file it leads to, as in a hub's cache."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give one with config.json and *.safetensors")
    found: list[tuple[str, os.stat_result]] = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            with _unreadable_is_refused(relative):
                status = path.stat()
            _check_plain(relative, status)
            found.append((relative, status))
            if len(found) > MOST_FILES:
                raise Rejection(Code.FILES, f"more than {MOST_FILES:,} files", relative)
    return sorted(found, key=lambda pair: pair[0])


@contextmanager
def _unreadable_is_refused(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_machines(error):
            raise
        raise Rejection(Code.FILES, f"{path}: {error.strerror}", path) from error


def _check_plain(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Rejection(Code.FILES, f"{path} is not a plain file", path)


def _refuse_suffixes(paths: list[str]) -> None:
    for path in paths:
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in CODE_SUFFIXES:
            problem = f"{path} is code, and no code from a repository is run"
            raise Rejection(Code.REMOTE_CODE, problem, path)
        if suffix in PICKLE_SUFFIXES:
            problem = f"{path} can run code when opened; publish safetensors only"
            raise Rejection(Code.PICKLE, problem, path)


def _untouched(path: Path, file: OpenFile) -> bool:
    """The same file under the same name, its content as it was.

    The time of its last change of any kind also moves when another name is linked to it or taken
    away, as a cache does that keeps equal files once; then the number of its names has changed.
    """
    before, opened = file.status, os.fstat(file.descriptor)
    try:
        named = path.stat()
    except OSError:
        return False
    if _marks(named) != _marks(before) or _marks(opened) != _marks(before):
        return False
    return opened.st_ctime_ns == before.st_ctime_ns or opened.st_nlink != before.st_nlink


def _marks(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
