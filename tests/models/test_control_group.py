"""Groups of the kernel: only where they were given to us, and gone with their worker."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from iotapretrain.models.control_group import (
    EMPTY_BYTES,
    ControlGroup,
    limited_group,
    most_threads,
)
from iotapretrain.models.worker import Budget, Worker

OURS = "system.slice/validator.service"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hierarchy in which a service has been given its own part, as files."""
    given = tmp_path / "hierarchy" / OURS
    (given / "validator").mkdir(parents=True)
    (given / "cgroup.subtree_control").write_text("memory pids")
    try:
        os.setxattr(given, "user.delegate", b"1")
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            pytest.skip("no marks on files here")
        raise
    return tmp_path / "hierarchy"


def own(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "own"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_limits_of_a_group_that_was_given(root: Path, tmp_path: Path) -> None:
    mine = own(tmp_path, "1:cpu:/elsewhere", f"0::/{OURS}/validator")
    group = limited_group(2**30, 1, root, mine)
    assert group is not None
    assert group.folder.parent == root / OURS
    assert (group.folder / "memory.max").read_text() == str(2**30 + EMPTY_BYTES)
    assert (group.folder / "pids.max").read_text() == str(most_threads(1))
    another = limited_group(2**30, 1, root, mine)
    assert another is not None
    assert another.folder != group.folder


def test_controllers_are_switched_on(root: Path, tmp_path: Path) -> None:
    switches = root / OURS / "cgroup.subtree_control"
    switches.write_text("")
    assert limited_group(2**30, 1, root, own(tmp_path, f"0::/{OURS}/validator")) is not None
    assert switches.read_text() == "+memory +pids"


@pytest.mark.parametrize(
    "line",
    [
        f"0::/{OURS}",  # what is above was not given to us
        "0::/../validator",  # outside of what we see
        "0::/gone/validator",
        "7:memory:/validator",  # an older kernel's hierarchies alone
    ],
)
def test_no_group_that_was_not_given(root: Path, tmp_path: Path, line: str) -> None:
    (root / "system.slice" / "cgroup.subtree_control").write_text("memory pids")
    before = sorted(root.rglob("*"))
    assert limited_group(2**30, 1, root, own(tmp_path, line)) is None
    assert limited_group(2**30, 1, tmp_path / "gone", own(tmp_path, line)) is None
    assert sorted(root.rglob("*")) == before


def test_a_worker_says_that_it_is_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "tests.models.bad_tasks"
    (tmp_path / "group").mkdir()
    group = ControlGroup(tmp_path / "group")
    monkeypatch.setattr("iotapretrain.models.worker.limited_group", lambda *_: group)
    with Worker(Budget(memory_bytes=2**28), module) as worker:
        pid = worker.call("own_pid", (), {})
        assert (group.folder / "cgroup.procs").read_text() == str(pid)
        assert any("control group" in name for name in worker.protections)
    monkeypatch.setattr(ControlGroup, "takes", lambda *_: False)
    with Worker(Budget(memory_bytes=2**28), module) as worker:
        worker.start()
        assert not any("control group" in name for name in worker.protections)


def real_hierarchy() -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2" and os.access(Path(place) / "cgroup.procs", os.W_OK):
            return Path(place)
    return None


@pytest.mark.skipif(real_hierarchy() is None, reason="no hierarchy of ours here")
def test_a_real_process_in_a_real_group() -> None:
    above = real_hierarchy()
    assert above is not None
    group = ControlGroup(above / f"iota-test-{os.getpid()}")
    try:
        group.folder.mkdir()
    except OSError as error:
        pytest.skip(f"no groups here: {error}")
    try:
        with subprocess.Popen(["sleep", "60"]) as process:
            assert group.takes(process.pid)
            assert group.folder.name in Path(f"/proc/{process.pid}/cgroup").read_text()
            process.kill()
    finally:
        group.remove()
    assert not group.folder.exists()


def test_the_kernel_counts() -> None:
    with Worker(Budget(memory_bytes=2**33, threads=2), "tests.models.bad_tasks") as worker:
        worker.start()
        if not any("control group" in name for name in worker.protections):
            pytest.skip("no group was given to us here")
        assert worker.call("start_threads", (), {"count": 200}) < most_threads(2)
