"""Children that die at every step on the disk: `python -m tests.hub.dying FOLDER`.

The first child dies at its first file operation, the next at its second, until one ends.
After each death what lies there must be sound and the same work must succeed; prints the deaths.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from iotapretrain.hub.fetch import fetch
from iotapretrain.hub.folder_hub import FolderHub
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.model_files import ModelFolder
from iotapretrain.hub.protocol import Commit, Hub
from tests.hub.fetching import check
from tests.hub.worlds import ALICES, write_model

STEPS = ("open", "os.", "fcntl.", "shutil.", "tempfile.")
SIZE = 100_000


def dies_at(step: int, work: Callable[[], object], steps: tuple[str, ...] = STEPS) -> bool:
    """Do the work in a child that is killed before its n-th step. Did it die?

    Steps are audit events, by the beginnings of their names.
    """
    child = os.fork()
    if child == 0:
        counter = itertools.count(1)

        def count(event: str, _arguments: object) -> None:
            if event.startswith(steps) and next(counter) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status)


def killed_fetches(hub: Hub, commit: Commit, folder: Path) -> int:
    for step in itertools.count(1):
        cache = ModelCache(folder / str(step), grace=0.0)
        died = dies_at(step, lambda cache=cache: fetch(hub, commit, cache, max_bytes=1 << 20))
        model = cache.find(commit)
        if model is not None:
            check(model)
        check(fetch(hub, commit, cache, max_bytes=1 << 20))
        cache.clean()
        if any(any((cache.root / left).iterdir()) for left in ("tmp", "reserved", "partial")):
            raise SystemExit(f"a fetch killed at step {step} left something behind")
        if not died:
            return step - 1
    raise AssertionError


def killed_publications(folder: Path, old: ModelFolder, new: ModelFolder) -> int:
    for step in itertools.count(1):
        hub = FolderHub(folder / str(step), "alice")
        before = hub.publish(old, ALICES, "old")
        died = dies_at(step, lambda hub=hub: hub.publish(new, ALICES, "new"))
        head = hub.resolve(ALICES)
        for entry in hub.listing(head).files:
            with hub.read(head, entry) as arriving:
                if sum(map(len, arriving)) != entry.size:
                    raise SystemExit(f"a publication killed at step {step} lacks {entry.path}")
        after = hub.publish(new, ALICES, "new")
        if before == after or (head not in (before, after)):
            raise SystemExit(f"a publication killed at step {step} moved the head elsewhere")
        if not died:
            return step - 1
    raise AssertionError


def main(folder: Path) -> None:
    # A kill, unlike a power cut, loses nothing that was written: no need to wait for the disk.
    os.fsync = lambda _descriptor: None
    old = ModelFolder.scan(write_model(folder / "old", seed=1, size=SIZE))
    new = ModelFolder.scan(write_model(folder / "new", seed=2, size=SIZE))
    hub = FolderHub(folder / "hub", "alice")
    commit = hub.publish(old, ALICES, "old")
    print(killed_fetches(hub, commit, folder / "caches"))
    print(killed_publications(folder / "hubs", old, new))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
