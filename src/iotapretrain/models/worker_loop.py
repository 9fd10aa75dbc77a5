"""The inside of a worker process: give up rights, then answer requests until the caller is gone. A
request names a function of the module that the caller chose; it gets the open files and arguments.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from types import ModuleType
from typing import Any

import msgspec

from iotapretrain.models import channel, sandbox
from iotapretrain.models.verdict import Rejection, is_machines


class _Request(msgspec.Struct):
    """A task by name, the relative paths of the files that come with it, and its arguments."""

    task: str
    paths: list[str]
    arguments: dict[str, Any]


def main(descriptor: int, parent: int, module: str, memory_bytes: int, threads: int) -> None:
    """Serve the tasks of a module over an inherited socket."""
    isolated = sandbox.isolate(parent, threads)
    tasks = importlib.import_module(module)
    silence = os.open(os.devnull, os.O_WRONLY)
    granted = sandbox.restrict(isolated, memory_bytes, threads)
    os.dup2(silence, sys.stderr.fileno())
    with socket.socket(fileno=descriptor) as caller:
        channel.send(caller, {"granted": granted})
        while True:
            try:
                message, files = channel.receive(caller, most_files=channel.MOST_FILES)
            except EOFError:
                return
            channel.send(caller, _answer(tasks, msgspec.convert(message, _Request), files))


def _answer(tasks: ModuleType, request: _Request, files: list[int]) -> dict[str, Any]:
    try:
        opened = dict(zip(request.paths, files, strict=True))
        return {"value": getattr(tasks, request.task)(opened, **request.arguments)}
    except Rejection as rejection:
        finding = rejection.finding
        if is_machines(rejection):
            return {"failed": finding.sentence, "kind": "machine"}
        return {"rejected": [finding.code, finding.sentence, finding.item]}
    except Exception as error:  # noqa: BLE001 -- whatever a stranger's model provokes is reported
        kind = {"kind": "machine"} if is_machines(error) else {}
        return {"failed": f"{type(error).__name__}: {error}"[:500]} | kind
    finally:
        for file in files:
            os.close(file)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
