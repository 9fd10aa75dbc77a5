"""Writers in processes of their own, to be killed; forked from a clean server, so quickly there."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

from iotapretrain.store.open_journal import open_journal
from iotapretrain.store.record import Draft

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["__main__", __name__, "iotapretrain.store.open_journal"])

WAIT_SECONDS = 60
NOBODY = 65534
"""A user without rights, for processes that start as root."""


class Child:
    """A process running `work(pipe, *arguments)`; what it sends back is acknowledged."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        self._pipe, theirs = _fork.Pipe()
        self._process = _fork.Process(target=work, args=(theirs, *arguments))
        self._process.start()
        theirs.close()

    def receive(self) -> object:
        """The next thing it sent; EOFError when it has ended and everything was received."""
        if not self._pipe.poll(WAIT_SECONDS):
            raise TimeoutError("the child process is silent")
        return self._pipe.recv()

    def received(self) -> list[object]:
        """Everything it sent until it ended."""
        everything = []
        try:
            while True:
                everything.append(self.receive())
        except EOFError:
            return everything

    def send(self, message: object) -> None:
        self._pipe.send(message)

    def kill(self) -> None:
        """As `kill -9` does."""
        os.kill(self._process.pid or 0, signal.SIGKILL)

    def end(self) -> int | None:
        self._process.join(WAIT_SECONDS)
        self._pipe.close()
        code = self._process.exitcode
        self._process.close()
        return code


def append_each(pipe: Connection, address: str, name: str, count: int) -> None:
    """Append one record after another, and say so after each."""
    with open_journal(address) as journal:
        for number in range(count):
            journal.append([Draft("note", b"%d" % number, name)])
            pipe.send(number)


def die_writing(pipe: Connection, address: str, stored: int, lost: int) -> None:
    """Append some records, then be killed while others wait for their commit."""
    journal = open_journal(address)
    for number in range(stored):
        journal.append([Draft("stored", b"%d" % number)])
        pipe.send(number)
    with journal.writing() as writer:
        writer.append([Draft("lost", b"%d" % number) for number in range(lost)])
        os.kill(os.getpid(), signal.SIGKILL)
