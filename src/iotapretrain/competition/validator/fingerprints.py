"""Fingerprints of the models that were inspected: what later ones are compared with.

One file a model, below its competition, its owner's alone: the salt is secret, and what it made of
known weights would tell how to get around it. They are compared under one salt, which the journal
keeps; a lost file is a near-copy that goes unseen, never a model refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from iotapretrain.disk.whole_files import PRIVATE, private_folder, write_whole
from iotapretrain.models.copies import MOST_SHARED, Fingerprint, TensorPrint, shared_fraction

MOST_PRINTS = 1_000
"""A competition keeps so many, the newest: comparing takes some milliseconds for each."""


class _Print(msgspec.Struct, frozen=True):
    digest: str
    tensors: dict[str, TensorPrint]


class Prints:
    """The fingerprints below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, competition: int, digest: str, fingerprint: Fingerprint) -> None:
        """Remember a model; once more changes nothing."""
        path = self._path(competition, digest)
        if path.exists():
            return
        private_folder(self._folder)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, msgspec.msgpack.encode(_Print(digest, dict(fingerprint))), PRIVATE)
        kept = sorted(path.parent.glob("*.print"), key=lambda each: each.stat().st_mtime)
        for old in kept[:-MOST_PRINTS]:
            old.unlink()

    def alike(self, competition: int, digest: str, fingerprint: Fingerprint) -> Iterator[str]:
        """The digests of other models that are the same as this one but for noise."""
        for path in sorted((self._folder / str(competition)).glob("*.print")):
            try:
                known = msgspec.msgpack.decode(path.read_bytes(), type=_Print)
            except msgspec.DecodeError:
                path.unlink()  # damaged: whoever it belongs to is inspected again in time
                continue
            if known.digest != digest and _same(fingerprint, known.tensors):
                yield known.digest

    def _path(self, competition: int, digest: str) -> Path:
        return self._folder / str(competition) / f"{sha256(digest.encode()).hexdigest()}.print"


def _same(ours: Fingerprint, theirs: Fingerprint) -> bool:
    """Either way round: noise may hide a model in a part of a larger one."""
    return max(shared_fraction(ours, theirs), shared_fraction(theirs, ours)) > MOST_SHARED
