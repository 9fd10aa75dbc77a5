"""Limits that the kernel keeps for a worker as a whole, in a control group (v2) that was given to
us: in any other it would escape the limits that an operator set (docs/models.md).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
CONTROLLERS = frozenset({"memory", "pids"})
MARKS = ("user.delegate", "trusted.delegate")
EMPTY_BYTES = 2**30
"""What Python, torch and their libraries take in memory before any model, and a reserve."""
THREADS_EACH, THREADS_SPARE = 4, 16
"""Libraries have pools of their own, each of as many threads as a worker may use."""

_numbers = count()


def most_threads(threads: int) -> int:
    """Of a worker that computes with so many."""
    return THREADS_EACH * threads + THREADS_SPARE


@dataclass(frozen=True)
class ControlGroup:
    """The folder of a group that holds one worker."""

    folder: Path

    def takes(self, pid: int) -> bool:
        """Whether this process, with all that it will start, is in it now."""
        try:
            (self.folder / "cgroup.procs").write_text(str(pid))
        except OSError:  # the kernel decides; the worker's own limits hold without
            return False
        return True

    def remove(self) -> None:
        with contextlib.suppress(OSError):  # an empty folder more harms nobody
            self.folder.rmdir()


def limited_group(
    memory_bytes: int, threads: int, root: Path = ROOT, own: Path = OWN
) -> ControlGroup | None:
    """A new group with limits on memory and threads; None where there can be none."""
    above = _delegated(root, own)
    if above is None:
        return None
    folder = above / f"iota-worker-{os.getpid()}-{next(_numbers)}"
    group = ControlGroup(folder)
    try:
        folder.mkdir()
        (folder / "memory.max").write_text(str(memory_bytes + EMPTY_BYTES))
        (folder / "pids.max").write_text(str(most_threads(threads)))
    except OSError:  # not allowed, or not such a hierarchy
        group.remove()
        return None
    return group


def _delegated(root: Path, own: Path) -> Path | None:
    """The group around our own, if it was given to us and has its controllers, or gets them."""
    try:
        lines = own.read_text().splitlines()
        names = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
        above = (root / names[0]).parent if names and names[0] else root
        if not names or ".." in names[0] or not (above == root or _is_marked(above)):
            return None
        switches = above / "cgroup.subtree_control"
        if not set(switches.read_text().split()) >= CONTROLLERS:
            switches.write_text(" ".join(f"+{each}" for each in sorted(CONTROLLERS)))
        return above
    except OSError:  # no such hierarchy, not ours, or one that has processes itself
        return None


def _is_marked(folder: Path) -> bool:
    """As systemd marks what it leaves to others."""
    for mark in MARKS:
        with contextlib.suppress(OSError):
            if os.getxattr(folder, mark) == b"1":
                return True
    return False
