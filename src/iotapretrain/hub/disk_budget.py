"""Room on the disk: a fetch reserves all it needs before its first byte. Every decision is made
under one lock and counts each content once: what lies there, what other fetches were promised, and
what is wanted now.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.disk.eviction import Kept, Sizes, choose
from iotapretrain.disk.whole_files import create_locked, locked, try_lock, write_all
from iotapretrain.errors import FullCacheError, InputError
from iotapretrain.hub.fetched_model import RECORD, Model
from iotapretrain.net.retry import Clock, Deadline


@dataclass(frozen=True)
class Inventory:
    """What lies in the cache at one moment, and what running fetches were promised."""

    blobs: Sizes
    partial: Sizes
    promised: Sizes
    kept: tuple[Kept, ...]

    def short_of(self, wanted: Sizes, budget: int | None, free: int) -> int:
        """Bytes that must go before `wanted` fits budget and disk; at most 0 when it fits."""
        promised = {**self.promised, **wanted}
        missing = {key: size for key, size in promised.items() if key not in self.blobs}
        on_disk = sum(size - self.partial.get(key, 0) for key, size in missing.items()) - free
        if budget is None:
            return on_disk
        together = {**self.partial, **self.blobs, **promised}
        return max(on_disk, sum(together.values()) - budget)


@dataclass(frozen=True)
class CacheRoom:
    """At most `budget` bytes of contents below `root`; all stays for `grace` seconds after use."""

    root: Path
    budget: int | None = None
    grace: float = 600.0
    clock: Clock = time.time

    def __post_init__(self) -> None:
        try:
            for folder in ("blobs", "partial", "models", "reserved", "tmp"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            (self.root / "lock").touch()
        except OSError as error:
            raise InputError(f"cache {self.root}: {error.strerror}; name another folder") from error

    def deciding(self, deadline: Deadline | None = None) -> AbstractContextManager[None]:
        """Be the only process that changes which contents and models there are."""
        return locked(self.root / "lock", deadline)

    @contextmanager
    def reserve(self, wanted: Sizes, deadline: Deadline) -> Iterator[None]:
        """Promise room for contents by key and size; nothing of them is evicted before the end."""
        ours = self.root / "reserved" / uuid.uuid4().hex
        with ExitStack() as stack:
            with self.deciding(deadline):
                self._make_room(wanted)
                descriptor = create_locked(ours, deadline)
                stack.callback(os.close, descriptor)
                stack.callback(ours.unlink)
                write_all(descriptor, json.dumps(dict(wanted)).encode())
            yield

    def clean(self, budget: int | None = None) -> tuple[list[str], int]:
        """Evict what is idle until the budget holds; names what went, and the bytes freed."""
        with self.deciding():
            inventory = self._inventory()
            limit = self.budget if budget is None else budget
            excess = inventory.short_of({}, limit, self._free())
            chosen, protected, freed = self._choose(inventory, {}, excess)
            self._evict(chosen, protected)
            return [each.name for each in chosen], freed

    def used(self) -> int:
        return sum(sum(_sizes(self.root / folder).values()) for folder in ("blobs", "partial"))

    def discard(self, place: Path) -> None:
        """Remove a file or a folder so that no half of it is ever seen under its name."""
        doomed = self.root / "tmp" / uuid.uuid4().hex
        try:
            os.rename(place, doomed)
        except FileNotFoundError:
            return
        if doomed.is_dir():
            shutil.rmtree(doomed)
        else:
            doomed.unlink()

    def _make_room(self, wanted: Sizes) -> None:
        inventory = self._inventory()
        short = inventory.short_of(wanted, self.budget, self._free())
        if short <= 0:
            return
        chosen, protected, freed = self._choose(inventory, wanted, short)
        if freed >= short:
            self._evict(chosen, protected)
            short = self._inventory().short_of(wanted, self.budget, self._free())
        if short > 0:
            raise FullCacheError(
                f"cache {self.root}: {sum(wanted.values())} bytes do not fit, {short} too many"
                f" (budget {self.budget}, free on the disk {self._free()}, {freed} of models that"
                f" nobody used for {self.grace:g} s); make room or raise the budget"
            )

    def _choose(
        self, inventory: Inventory, wanted: Sizes, to_free: int
    ) -> tuple[list[Kept], frozenset[str], int]:
        """What goes, the contents that must stay (promised, wanted, in use or young), and the
        bytes that this frees.
        """
        idle: list[Kept] = []
        protected = {*inventory.promised, *wanted}
        for each in inventory.kept:
            young = each.last_used > self.clock() - self.grace
            descriptor = None if young else try_lock(each.lock)
            if descriptor is None:
                protected |= each.keys
            else:
                os.close(descriptor)
                idle.append(each)
        stay, sizes = frozenset(protected), {**inventory.partial, **inventory.blobs}
        chosen, freed = choose(idle, sizes, stay, to_free)
        return chosen, stay, freed

    def _evict(self, chosen: Iterable[Kept], protected: frozenset[str]) -> None:
        for each in chosen:
            if (descriptor := try_lock(each.lock)) is None:
                continue
            self.discard(each.place)
            os.close(descriptor)
            for blob in (self.root / "blobs" / key for key in each.keys - protected):
                if blob.exists() and blob.stat().st_nlink == 1:
                    blob.unlink()

    def _free(self) -> int:
        return shutil.disk_usage(self.root).free

    def _inventory(self) -> Inventory:
        """Look at everything; what killed processes left behind is removed on the way."""
        for left in (self.root / "tmp").iterdir():
            self.discard(left)
        promised, models = self._promised(), [_keep_model(model) for model in self._models()]
        used = frozenset(promised).union(*(model.keys for model in models))
        blobs, partial = _sizes(self.root / "blobs"), _sizes(self.root / "partial")
        loose = [self.root / "blobs" / key for key in blobs if key not in used]
        loose += [self.root / "partial" / key for key in partial if key not in promised]
        kept = (*models, *map(Kept.content, loose))
        return Inventory(blobs, partial, promised, kept)

    def _models(self) -> Iterator[Model]:
        for place in (self.root / "models").glob("*/*/*"):
            model = Model.read(place)
            if model is None:
                self.discard(place)
            else:
                yield model

    def _promised(self) -> dict[str, int]:
        """The reservations of fetches that still run; those of dead ones are removed."""
        promised: dict[str, int] = {}
        for reservation in (self.root / "reserved").iterdir():
            if (descriptor := try_lock(reservation)) is not None:
                reservation.unlink()
                os.close(descriptor)
                continue
            with suppress(FileNotFoundError):
                promised |= json.loads(reservation.read_bytes())
        return promised


def _sizes(folder: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            sizes[entry.name] = entry.stat().st_size
    return sizes


def _keep_model(model: Model) -> Kept:
    place = model.folder.parent
    record = place / RECORD
    keys = frozenset(file.key for file in model.files)
    return Kept(str(model.commit), place, record, record.stat().st_mtime, keys)
