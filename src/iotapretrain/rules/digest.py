"""One digest for a folder of files: the original's, and ours (competition, 2.2).

The original's leaves out names, so that renaming or moving a file changes nothing, and covers
whatever a library happened to fetch. Ours covers a list of files with their names. Both are 44
characters of base64, so that either fits a commitment.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from iotapretrain.errors import InputError

MANIFEST_DOMAIN = b"iotapretrain/manifest/1\0"
SHA256_BYTES = 32

_UNWRITABLE = re.compile("[\\\\\0\ud800-\udfff]")


@dataclass(frozen=True)
class ManifestEntry:
    """One file: its path below the folder with / between parts, size, and SHA-256 of its bytes."""

    path: str
    size: int
    sha256: bytes

    def __post_init__(self) -> None:
        check_path(self.path)
        if self.size < 0 or len(self.sha256) != SHA256_BYTES:
            raise InputError(
                f"manifest: {self.path}: size {self.size} and a hash of {len(self.sha256)} bytes;"
                f" give 0 or more and {SHA256_BYTES}"
            )


def manifest_digest(entries: Iterable[ManifestEntry]) -> str:
    """SHA-256 over the entries in the order of their paths as UTF-8, each part framed.

    domain, then for each file: length of the path, path, size, hash; numbers as 8 bytes,
    little-endian. Equal if and only if the same paths hold the same bytes.
    """
    ordered = sorted(entries, key=lambda entry: entry.path.encode())
    for entry, following in pairwise(ordered):
        if entry.path == following.path:
            raise InputError(f"manifest: {entry.path} is listed twice; list each file once")
    hasher = hashlib.sha256(MANIFEST_DOMAIN)
    for entry in ordered:
        path = entry.path.encode()
        hasher.update(len(path).to_bytes(8, "little") + path)
        hasher.update(entry.size.to_bytes(8, "little") + entry.sha256)
    return _text(hasher.digest())


def file_hash(content: bytes) -> str:
    """The original's hash of one file: SHA-256 as base64."""
    return _text(hashlib.sha256(content).digest())


def folder_hash(file_hashes: Mapping[str, str]) -> str:
    """The original's hash of a folder, from path to file hash: only their order depends on names.

    Top-down, names sorted, the files of a folder before its sub-folders.
    """
    ordered = sorted(file_hashes, key=_walking_order)
    return file_hash("".join(file_hashes[path] for path in ordered).encode())


def check_path(path: str) -> None:
    """Refuse what is not a plain relative path."""
    hidden = any(part in ("", ".", "..") for part in path.split("/"))
    if hidden or _UNWRITABLE.search(path):
        raise InputError(f"path {path!r} is not plain and relative; give names with / between")


def _walking_order(path: str) -> list[tuple[bool, str]]:
    check_path(path)
    *folders, name = path.split("/")
    return [(True, folder) for folder in folders] + [(False, name)]


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
