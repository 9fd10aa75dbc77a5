"""A worker that was taken over asks the kernel for power over its caller and its caller's files."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotapretrain.models.open_files import OpenFile
from iotapretrain.models.worker import Budget, Worker

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86-64")
PARENT = os.getpid()


@pytest.fixture(scope="module")
def taken() -> Iterator[Worker]:
    with Worker(Budget(seconds=30, memory_bytes=2**28), "tests.attacks.calling_tasks") as worker:
        yield worker


@pytest.mark.parametrize(
    ("name", "number", "arguments"),
    [
        ("prlimit", 302, [PARENT, 7, None, "@"]),
        ("sched_setparam", 142, [PARENT, "@"]),
        ("sched_setscheduler", 144, [PARENT, 3, "@"]),
        ("sched_setaffinity", 203, [PARENT, 128, "@"]),
        ("setpriority", 141, [0, PARENT, 19]),
        ("shmget", 29, [0, 4096, 0o1600]),
        ("kill", 62, [PARENT, 0]),
        ("tgkill", 234, [PARENT, PARENT, 0]),
        ("pidfd_open", 434, [PARENT, 0]),
        ("process_vm_readv", 310, [PARENT, "@", 1, "@", 1, 0]),
        ("fchmod", 91, ["cached", 0o777]),
        ("utimensat", 280, ["cached", None, None, 0]),
        ("flock", 73, ["cached", 6]),
        ("fcntl: lock", 72, ["cached", 37, "@"]),
        ("fsetxattr", 190, ["cached", "user.mine", "@", 1, 0]),
        ("unshare", 272, [0x10000000]),
        ("add_key", 248, ["user", "mine", "@", 1, -3]),
        ("memfd_create", 319, ["mine", 0]),
    ],
)
def test_calls_that_no_model_needs_are_refused(
    taken: Worker, tmp_path: Path, name: str, number: int, arguments: list[object]
) -> None:
    path = tmp_path / "cached"
    path.write_bytes(b"weights")
    before = path.stat()
    with path.open("rb") as opened:
        file = OpenFile.of("cached", opened.fileno())
        said = taken.call("call", [file], {"number": number, "arguments": arguments})
    assert said == "EPERM", name
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_it_has_no_capabilities(taken: Worker) -> None:
    lines = dict(line.split(":\t", 1) for line in taken.call("status", (), {}).splitlines())
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(lines[kind], 16) == 0, kind
    assert lines["Seccomp"] == "2"
