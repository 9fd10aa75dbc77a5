"""A worker that was taken over asks which paths there are, and starts threads without end."""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iotapretrain.models import sandbox
from iotapretrain.models.call_filter import prctl
from iotapretrain.models.control_group import most_threads
from iotapretrain.models.verdict import Rejection
from iotapretrain.models.worker import Budget, Worker

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86-64")
NOBODY = 65534
PR_SET_DUMPABLE = 4
MEMORY = 2**33
HERE = -100


@pytest.fixture(scope="module")
def taken() -> Iterator[Worker]:
    with Worker(Budget(seconds=30, memory_bytes=2**28), "tests.attacks.calling_tasks") as worker:
        yield worker


@pytest.mark.parametrize(
    ("name", "number", "arguments"),
    [
        ("stat", 4, ["PATH", "@"]),
        ("lstat", 6, ["PATH", "@"]),
        ("newfstatat", 262, [HERE, "PATH", "@", 0]),
        ("statx", 332, [HERE, "PATH", 0, 0x7FF, "@"]),
        ("access", 21, ["PATH", 0]),
        ("faccessat", 269, [HERE, "PATH", 0]),
        ("readlink", 89, ["PATH", "@", 4096]),
        ("open", 2, ["PATH", 0]),
        ("openat", 257, [HERE, "PATH", 0x200000]),
    ],
)
def test_what_is_there_looks_like_what_is_not(
    taken: Worker, tmp_path: Path, name: str, number: int, arguments: list[object]
) -> None:
    wallet = tmp_path / "wallet"
    wallet.write_text("mnemonic")
    for path in (wallet, tmp_path, tmp_path / "absent", f"/proc/{os.getpid()}", "/etc/passwd"):
        asked = [str(path) if each == "PATH" else each for each in arguments]
        assert taken.call("call", (), {"number": number, "arguments": asked}) == "ENOENT", name


def test_no_way_out_of_the_root(taken: Worker, tmp_path: Path) -> None:
    for root in ("/proc/self/root", "/proc/self/cwd", "/..", "/usr/../.."):
        asked = {"number": 4, "arguments": [f"{root}{tmp_path}", "@"]}
        assert taken.call("call", (), asked) == "ENOENT", root
    for number, arguments in ((165, ["/", "/", None, 32, None]), (155, [".", "."]), (161, ["/"])):
        assert taken.call("call", (), {"number": number, "arguments": arguments}) == "EPERM"


def test_the_working_folder_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m` puts it where modules are looked for, and a journal may lie in it."""
    (tmp_path / "journal").write_text("secret salt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        Worker(Budget(seconds=30, memory_bytes=2**30), "tests.models.bad_tasks") as worker,
        pytest.raises(Rejection, match="No such file"),
    ):
        worker.call("read", (), {"path": str(tmp_path / "journal")})


def test_what_computing_needs_is_there(taken: Worker) -> None:
    for path in ("/proc/self/status", "/proc/meminfo", "/dev/null", os.__file__):
        assert taken.call("call", (), {"number": 4, "arguments": [path, "@"]}) == "done", path


def test_a_worker_of_one_thread_starts_no_other() -> None:
    with Worker(Budget(seconds=30, memory_bytes=2**30), "tests.models.bad_tasks") as worker:
        assert worker.call("start_threads", (), {"count": 1}) == 0
        assert "no further threads" in worker.protections


def in_child(uid: int, task: Callable[[], Any]) -> Any:
    """What a task returns in a process of its own, as this user."""
    if os.geteuid() not in (0, uid):
        pytest.skip("only root can be somebody else")
    inside, outside = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() != uid:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                prctl(PR_SET_DUMPABLE, 1)  # else its own /proc is closed to it
            os.write(outside, json.dumps(task()).encode())
        finally:
            os._exit(0)
    os.close(outside)
    with os.fdopen(inside, "rb") as answer:
        content = answer.read()
    os.waitpid(child, 0)
    return json.loads(content)


def restricted(threads: int, path: Path) -> dict[str, Any]:
    """What an empty worker holds, and what it sees and can do then."""
    isolated = sandbox.isolate(os.getppid(), threads)
    granted = sandbox.restrict(isolated, MEMORY, threads)
    started = 0
    try:
        for _ in range(100):
            threading.Thread(target=time.sleep, args=(0.2,), daemon=True).start()
            started += 1
    except RuntimeError:
        pass
    return {"granted": granted, "exists": path.exists(), "threads": started}


ROOT = "a root folder of its own: Python and the system's libraries"


@pytest.mark.parametrize("uid", [0, NOBODY])
def test_for_root_and_for_an_ordinary_user(tmp_path: Path, uid: int) -> None:
    found = in_child(uid, lambda: restricted(1, Path("/etc/passwd")))
    assert ROOT in found["granted"]
    assert not found["exists"]
    assert found["threads"] == 0


def test_several_threads_are_counted(tmp_path: Path) -> None:
    """For an ordinary user. The root folder stays, and that is not hidden."""
    found = in_child(NOBODY, lambda: restricted(2, Path("/etc/passwd")))
    assert found["threads"] == most_threads(2) - 1
    assert "a limit on threads" in found["granted"]
    assert "no capabilities" in found["granted"]
    assert ROOT not in found["granted"]
    assert found["exists"]


def test_where_there_are_no_namespaces_the_rest_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing is mounted in the namespace of others."""
    monkeypatch.setattr(sandbox, "TRIED", ())
    before = Path("/proc/self/mountinfo").read_text()
    found = in_child(os.geteuid(), lambda: restricted(1, Path("/etc/passwd")))
    assert Path("/proc/self/mountinfo").read_text() == before
    assert ROOT not in found["granted"]
    assert found["exists"]
    assert found["threads"] == 0
    assert {"no capabilities", "no further threads"} <= set(found["granted"])


def test_a_kernel_that_refuses_to_mount_keeps_the_old_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half a root folder would be worse than none: Python could import nothing more."""
    monkeypatch.setattr("iotapretrain.models.own_root.PIVOT_ROOT", {"x86_64": 9_999})
    found = in_child(os.geteuid(), lambda: restricted(1, Path("/proc/self/status")))
    assert ROOT not in found["granted"]
    assert found["exists"]
    assert any(name.startswith("Landlock") for name in found["granted"])
