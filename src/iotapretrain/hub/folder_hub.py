"""A hub in a folder: the commit semantics of the real one, for one machine or a shared disk.

    ROOT/repositories/NAMESPACE/NAME/   visibility, head, commits/ID.json, blobs/SHA256
    ROOT/locks/, ROOT/tmp/              held while a head moves; files on their way in

A commit's id is the first 40 hex digits of the SHA-256 of its JSON.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from iotapretrain.disk.whole_files import (
    GrowingFile,
    locked,
    pieces,
    sync_folder,
    try_lock,
    write_whole,
)
from iotapretrain.errors import CorruptModelError, HubError, HubRightsError, MissingModelError
from iotapretrain.hub.model_files import ModelFolder, check_additions
from iotapretrain.hub.protocol import (
    MAIN,
    Commit,
    FileEntry,
    Listing,
    RepositoryId,
    Visibility,
)
from iotapretrain.net.retry import Clock


class _StoredCommit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parent: str | None
    message: str
    author: str
    time: float
    files: tuple[FileEntry, ...]


class FolderHub:
    """Repositories below one folder. Only `owner` writes in his namespace and reads its secrets."""

    def __init__(self, root: Path, owner: str | None = None, clock: Clock = time.time) -> None:
        self._root, self._owner, self._clock = root, owner, clock

    @property
    def name(self) -> str:
        return f"folder:{self._root}"

    def publish(self, folder: ModelFolder, repository: RepositoryId, message: str) -> Commit:
        with self._writing(repository), self._staging() as staging:
            files = tuple(_stage(*each, staging) for each in sorted(folder.files.items()))
            with self._moving(repository):
                self._create(repository)
                return self._commit(repository, files, message, staging)

    def add(self, files: Mapping[str, bytes], repository: RepositoryId, message: str) -> Commit:
        check_additions(files)
        with self._writing(repository), self._staging() as staging:
            added = {path: _stage(path, content, staging) for path, content in files.items()}
            with self._moving(repository):
                self._create(repository)
                head = self._head(repository)
                older = self._stored(Commit(repository, head)).files if head else ()
                kept = {file.path: file for file in older} | added
                together = tuple(kept[path] for path in sorted(kept))
                return self._commit(repository, together, message, staging)

    def visibility(self, repository: RepositoryId) -> Visibility:
        return "public" if _is_public(self._home(repository)) else "private"

    def set_visibility(self, repository: RepositoryId, visibility: Visibility) -> None:
        with self._writing(repository), self._moving(repository):
            write_whole(self._home(repository) / "visibility", visibility.encode())

    def resolve(self, repository: RepositoryId, revision: str = MAIN) -> Commit:
        commit = self._head(repository) if revision == MAIN else revision
        known = {path.name for path in (self._home(repository) / "commits").iterdir()}
        if commit is None or f"{commit}.json" not in known:
            raise MissingModelError(f"{repository}: no revision {revision!r} on {self.name}")
        return Commit(repository, commit)

    def listing(self, commit: Commit) -> Listing:
        return Listing(commit, self._stored(commit).files)

    @contextmanager
    def read(self, commit: Commit, entry: FileEntry, start: int = 0) -> Iterator[Iterator[bytes]]:
        blob = self._home(commit.repository) / "blobs" / (entry.sha256 or "unknown")
        if not blob.is_file():
            raise MissingModelError(f"{commit}: no file {entry.path!r} on {self.name}")
        yield pieces(blob, start)

    def delete(self, repository: RepositoryId) -> None:
        with self._writing(repository), self._moving(repository), self._staging() as staging:
            os.rename(self._home(repository), staging / "deleted")

    @contextmanager
    def _writing(self, repository: RepositoryId) -> Iterator[None]:
        """Only the owner may, and only as far as the disk lets him."""
        if self._owner != repository.namespace:
            raise HubRightsError(
                f"{repository}: {self._owner or 'nobody'} may not write there; "
                f"open {self.name} as {repository.namespace}"
            )
        try:
            yield
        except OSError as error:
            raise HubError(f"{self.name}: {error.strerror}: {error.filename}") from error

    def _home(self, repository: RepositoryId) -> Path:
        """The folder of a repository, if this owner may know that it exists."""
        home = self._root / "repositories" / repository.namespace / repository.name
        if home.exists() and not os.access(home, os.R_OK | os.X_OK):
            raise HubRightsError(f"{repository}: the disk does not let this user read {home}")
        readable = self._owner == repository.namespace or _is_public(home)
        if not readable or not home.is_dir():
            raise MissingModelError(
                f"{repository}: no such repository on {self.name}, or it is private to its owner"
            )
        return home

    def _create(self, repository: RepositoryId) -> None:
        home = self._root / "repositories" / repository.namespace / repository.name
        for folder in ("commits", "blobs"):
            (home / folder).mkdir(parents=True, exist_ok=True)

    def _head(self, repository: RepositoryId) -> str | None:
        return _text(self._home(repository) / "head")

    def _stored(self, commit: Commit) -> _StoredCommit:
        path = self._home(commit.repository) / "commits" / f"{commit.id}.json"
        try:
            encoded = path.read_bytes()
        except FileNotFoundError:
            raise MissingModelError(f"{commit}: no such commit on {self.name}") from None
        if _id(encoded) != commit.id:
            raise CorruptModelError(f"{commit}: {path} was changed after it was written")
        return msgspec.json.decode(encoded, type=_StoredCommit)

    def _commit(
        self,
        repository: RepositoryId,
        files: tuple[FileEntry, ...],
        message: str,
        staging: Path,
    ) -> Commit:
        """Blobs first, then the commit, then the head: no commit is seen without its blobs."""
        home, parent = self._home(repository), self._head(repository)
        if parent is not None and self._stored(Commit(repository, parent)).files == files:
            return Commit(repository, parent)
        for file in files:
            blob = home / "blobs" / file.content_key
            if not blob.exists():
                os.rename(staging / blob.name, blob)
        sync_folder(home / "blobs")
        author = repository.namespace
        encoded = msgspec.json.encode(_StoredCommit(parent, message, author, self._clock(), files))
        commit = Commit(repository, _id(encoded))
        write_whole(home / "commits" / f"{commit.id}.json", encoded)
        write_whole(home / "head", commit.id.encode())
        return commit

    def _moving(self, repository: RepositoryId) -> AbstractContextManager[None]:
        return locked(self._root / "locks" / f"{repository.namespace}--{repository.name}")

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """A folder of our own below tmp/; those of processes that died are removed on the way."""
        for folder in ("repositories", "locks", "tmp"):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        with locked(self._root / "locks" / "--tmp"):
            for left in (self._root / "tmp").iterdir():
                if (descriptor := try_lock(left)) is not None:
                    shutil.rmtree(left)
                    os.close(descriptor)
            ours = Path(tempfile.mkdtemp(dir=self._root / "tmp"))
            lock = try_lock(ours)
        try:
            yield ours
        finally:
            shutil.rmtree(ours)
            if lock is not None:
                os.close(lock)


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _is_public(home: Path) -> bool:
    return _text(home / "visibility") == "public"


def _id(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()[:40]


def _stage(path: str, source: Path | bytes, staging: Path) -> FileEntry:
    """Copy one file into the staging folder under the name of its hash, reading it once."""
    descriptor, temporary = tempfile.mkstemp(dir=staging)
    try:
        copy = GrowingFile(Path(temporary), descriptor, hashlib.sha256())
        for piece in pieces(source):
            copy.append(piece)
        copy.become(staging / copy.hexdigest())
        return FileEntry(path, copy.size, copy.hexdigest())
    finally:
        os.close(descriptor)
