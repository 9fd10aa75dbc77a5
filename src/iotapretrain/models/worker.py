"""A process in which strangers' models are opened: limited, watched, used again, and replaceable.
Whoever misbehaves in it ends it; the next call starts a fresh one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from iotapretrain.errors import WorkerError
from iotapretrain.models import channel
from iotapretrain.models.control_group import ControlGroup, limited_group
from iotapretrain.models.open_files import OpenFile, OpenFolder
from iotapretrain.models.verdict import Code, Rejection
from iotapretrain.rules.competition.schedule import Constraints

T = TypeVar("T")

TASKS = "iotapretrain.models.worker_tasks"
LOOP = "iotapretrain.models.worker_loop"
START_SECONDS = 120.0
END_SECONDS = 5.0
ARENAS = "2"
"""glibc would reserve 64 MiB of address space for each thread."""
PROBE_BYTES = 16
"""A parameter's while training is tried: weight, gradient, and AdamW's two, in float32."""
WIDENED = 2
"""Weights of 16 bits that are computed with in 32."""


@dataclass(frozen=True)
class Budget:
    """What a model may use: seconds of one call, bytes beyond an empty worker, and threads."""

    seconds: float = 550.0
    memory_bytes: int = 8 * 2**30
    threads: int = 1


def needed_bytes(constraints: Constraints) -> int:
    """The weights of the largest model that is admitted, and of its copy for the probe."""
    widened = WIDENED if constraints.dtype == "float32" else 1
    probe = PROBE_BYTES * constraints.max_parameters if constraints.trainable else 0
    return constraints.max_bytes * widened + probe


def machine_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def allowance(
    budget: Budget, competitions: Iterable[Constraints], most: int | None = None
) -> Budget:
    """A budget with room for the largest model beside what it gave before, for text and activity;
    with `most`, no more than the machine has. A model that then has too little waits.
    """
    largest = max((needed_bytes(each) for each in competitions), default=0)
    memory = budget.memory_bytes + largest
    return replace(budget, memory_bytes=memory if most is None else min(memory, most))


class Worker(contextlib.AbstractContextManager["Worker"]):
    """Runs tasks of a module in a process of its own.

    The process dies with the thread that started it, so keep a worker to one thread.
    """

    def __init__(self, budget: Budget, module: str = TASKS) -> None:
        self.budget = budget
        self.module = module
        self.protections: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._group: ControlGroup | None = None
        self._turn = threading.Lock()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> socket.socket:
        """Start the process if there is none, and wait until it has given up its rights."""
        if self._channel is not None:
            return self._channel
        ours, theirs = socket.socketpair()
        budget = self.budget
        given = (theirs.fileno(), os.getpid(), self.module, budget.memory_bytes, budget.threads)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", LOOP, *map(str, given)],
                env=self._environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._channel = ours
        self._group = limited_group(budget.memory_bytes, budget.threads)
        grouped = self._group is not None and self._group.takes(self._process.pid)
        try:
            hello, _ = channel.receive(ours, time.monotonic() + START_SECONDS)
        except (EOFError, OSError, TimeoutError) as error:
            raise WorkerError(f"a worker did not start: {self._last_words()}") from error
        limits = ("a control group with limits on memory and threads",) if grouped else ()
        self.protections = (*hello["granted"], *limits)
        return ours

    def call(
        self,
        task: str,
        files: Sequence[OpenFile],
        arguments: Mapping[str, Any],
        largest: int = channel.LARGEST_MESSAGE,
    ) -> Any:
        """What the task returns, in an answer of at most `largest` bytes; Rejection if it refuses
        the model, or if the model misbehaves.

        One call at a time: an answer that nobody waits for any more would be taken for the next.
        """
        paths = [file.path for file in files]
        request = {"task": task, "paths": paths, "arguments": arguments}
        with self._turn:
            return self._value(self._answer(request, files, largest))

    def _answer(self, request: object, files: Sequence[OpenFile], largest: int) -> Any:
        caller = self.start()
        until = time.monotonic() + self.budget.seconds
        try:
            channel.send(caller, request, [file.descriptor for file in files])
            return channel.receive(caller, until, largest=largest)[0]
        except TimeoutError:
            raise self._ended("time", f"took more than {self.budget.seconds:g} seconds") from None
        except (EOFError, ConnectionError):
            raise self._ended(*self._death()) from None
        except ValueError as error:
            raise self._ended("answer", f"sent no message: {error}") from error

    def close(self) -> None:
        """End the process and everything that it started; another thread may do so, too."""
        process, self._process = self._process, None
        ours, self._channel = self._channel, None
        group, self._group = self._group, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(END_SECONDS)
            if process.stderr is not None:
                process.stderr.close()
        if group is not None:
            group.remove()
        if ours is not None:
            ours.close()

    def _value(self, answer: Any) -> Any:
        match answer:
            case {"value": value}:
                return value
            case {"rejected": [str(code), str(sentence), str(item)]} if code in set(Code):
                raise Rejection(Code(code), sentence, item)
            case {"failed": str(reason), "kind": "machine"}:
                raise self._ended("machine", reason)
            case {"failed": str(reason)}:
                raise self._ended("exception", reason)
        raise self._ended("answer", "answered neither a value nor a reason")

    def _ended(self, item: str, what: str) -> Rejection:
        self.close()
        return Rejection(Code.MISBEHAVED, f"in the worker: {what}", item)

    def _environment(self) -> dict[str, str]:
        """Nothing of ours but where Python lies."""
        threads = str(self.budget.threads)
        return {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(_import_paths(self.module)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
            "MALLOC_ARENA_MAX": ARENAS,
        }

    def _death(self) -> tuple[str, str]:
        """What a finding is about, and what happened; "killed" is nothing that a model does."""
        if self._process is None:
            return "killed", "was closed"
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "process", "hung up without an answer"
        if code == -signal.SIGKILL:
            return "killed", "was killed from outside, as the system does when memory is short"
        if code == -signal.SIGBUS:
            return "killed", "died by SIGBUS, as when a disk fails under a mapped library"
        if code == -signal.SIGSYS:
            return "process", "tried to start a process or a program, or to reach the network"
        if code < 0:
            return "process", f"died by {signal.Signals(-code).name}"
        return "process", f"ended with code {code}"

    def _last_words(self) -> str:
        """The end of what a process that did not start had to say."""
        if self._process is None:
            return "it was closed"
        self._process.kill()
        _, said = self._process.communicate(timeout=END_SECONDS)
        self.close()
        return said.decode(errors="replace").strip().rpartition("\n")[2] or "it gave no reason"


def ask(
    worker: Worker,
    task: str,
    kind: type[T],
    folder: OpenFolder,
    largest: int = channel.LARGEST_MESSAGE,
    **arguments: object,
) -> T:
    """What a task says, as data of this kind, about files that stayed what they were all the while;
    Rejection as of `Worker.call`, for a worker that a model took over may say anything.
    """
    answer = worker.call(task, folder.files, arguments, largest)
    for finding in folder.changes():
        raise Rejection.of(finding)
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise Rejection(Code.MISBEHAVED, f"the worker's answer: {error}", "answer") from error


def _import_paths(module: str) -> list[str]:
    """Where Python looks for modules, which a worker may therefore read.

    Not the working folder, where journals may lie: `python -m` looks there first. Only if the code
    itself lies there, it stays.
    """
    stays = any(os.path.exists(name.partition(".")[0]) for name in (module, __name__))
    return [path for path in filter(None, sys.path) if stays or not _is_working_folder(path)]


def _is_working_folder(path: str) -> bool:
    return os.path.exists(path) and os.path.samefile(path, os.curdir)
