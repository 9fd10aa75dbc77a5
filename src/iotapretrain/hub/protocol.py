"""What every model hub can do: a repository `namespace/name` holds a line of commits, and a commit
pins the bytes of all its files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import msgspec

from iotapretrain.errors import CorruptModelError, InputError, RefusedModelError
from iotapretrain.hub.model_files import ModelFolder, check_path

Visibility = Literal["private", "public"]

MAIN = "main"
MOST_ENTRIES = 10_000
LARGEST_FILE = 1 << 50

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _halves(text: str, separator: str, problem: str) -> tuple[str, str]:
    first, found, second = text.partition(separator)
    if not found:
        raise InputError(problem)
    return first, second


@dataclass(frozen=True, order=True)
class RepositoryId:
    """`namespace/name`: who owns a repository and what it is called."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        for part in (self.namespace, self.name):
            doubled = ".." in part or "--" in part
            if not _NAME.fullmatch(part) or doubled or part.endswith((".git", ".ipynb")):
                advice = "use letters, digits and single - _ . between them"
                raise InputError(f"repository {str(self)!r}: {part!r} is no name; {advice}")
        if len(str(self)) > 96:
            raise InputError(f"repository {str(self)!r}: longer than 96 characters")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(*_halves(text, "/", f"repository {text!r}: write it as namespace/name"))


@dataclass(frozen=True, order=True)
class Commit:
    """One commit of one repository. A branch name is none: it does not pin the bytes."""

    repository: RepositoryId
    id: str

    def __post_init__(self) -> None:
        if not _COMMIT.fullmatch(self.id):
            advice = "a commit is 40 lower-case hex digits"
            raise InputError(f"{self.repository}: {self.id!r} pins nothing; {advice}")

    def __str__(self) -> str:
        return f"{self.repository}@{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        problem = f"{text!r} names no commit; write namespace/name@commit"
        repository, commit = _halves(text, "@", problem)
        return cls(RepositoryId.parse(repository), commit)


class FileEntry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One file of a commit; of small ones the hub may know only git's blob id."""

    path: str
    size: int
    sha256: str | None = None
    git_blob: str | None = None

    def __post_init__(self) -> None:
        check_path(self.path)
        if not 0 <= self.size <= LARGEST_FILE:
            raise RefusedModelError(f"{self.path!r}: {self.size} bytes is no size of a file")
        named = ((self.sha256, _SHA256, "SHA-256"), (self.git_blob, _COMMIT, "blob id"))
        for digest, form, kind in named:
            if digest is not None and not form.fullmatch(digest):
                raise RefusedModelError(f"{self.path!r}: {digest!r} is no {kind}")
        if self.sha256 is None and self.git_blob is None:
            raise RefusedModelError(f"{self.path!r}: the hub names no hash to verify it by")

    @property
    def content_key(self) -> str:
        """The strongest name of the content that the listing gives; equal keys are equal bytes."""
        return self.sha256 or f"git-{self.git_blob}"

    def hasher(self) -> hashlib._Hash:
        """Of the hash that the listing gives: SHA-256, or git's, which covers the size too."""
        if self.sha256 is not None:
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)

    def check_hash(self, got: str, task: str) -> None:
        """Refuse bytes whose hash is not the listed one."""
        expected = self.sha256 or self.git_blob
        if got != expected:
            raise CorruptModelError(f"{task}: the bytes have hash {got}, listed is {expected}")


@dataclass(frozen=True)
class Listing:
    """The files of one commit, sorted by path."""

    commit: Commit
    files: tuple[FileEntry, ...]

    def __post_init__(self) -> None:
        if len(self.files) > MOST_ENTRIES:
            raise RefusedModelError(f"{self.commit}: lists more than {MOST_ENTRIES} files")
        object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda entry: entry.path)))

    @property
    def total_bytes(self) -> int:
        """The sum over all files, fetched or not: what the limit of a competition speaks of."""
        return sum(entry.size for entry in self.files)


class Hub(Protocol):
    """A place for models. Every method raises a `HubError` when it cannot do what its name says."""

    @property
    def name(self) -> str:
        """How messages call this hub."""

    def publish(self, folder: ModelFolder, repository: RepositoryId, message: str) -> Commit:
        """Make the folder the newest commit, which then holds these files and no others.

        A repository that does not exist is created private. An unchanged folder is no new commit.
        """

    def add(self, files: Mapping[str, bytes], repository: RepositoryId, message: str) -> Commit:
        """Add small files that we made to the newest commit, whose other files stay.

        For records, not for models: a file of the same path is replaced. A repository that does
        not exist is created private. Files that are there already are no new commit.
        """

    def visibility(self, repository: RepositoryId) -> Visibility:
        """Who can read it: everybody, or only its owner."""

    def set_visibility(self, repository: RepositoryId, visibility: Visibility) -> None:
        """Open a repository to everybody, or close it."""

    def resolve(self, repository: RepositoryId, revision: str = MAIN) -> Commit:
        """The commit that a branch points to now; of a commit, that it exists."""

    def listing(self, commit: Commit) -> Listing:
        """All files of a commit, with sizes and hashes; no file is read."""

    def read(
        self, commit: Commit, entry: FileEntry, start: int = 0
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of one file from `start` on, in pieces as they arrive; nothing is verified."""

    def delete(self, repository: RepositoryId) -> None:
        """Remove a repository with all its commits, for good."""
