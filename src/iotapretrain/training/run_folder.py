"""The folder of a run: its plan, and the promise that only one process trains in it.

RUN/plan.json       every number, decided once
RUN/records.jsonl   what happened, one event a line
RUN/checkpoints/    where it can go on
RUN/model/          the best model so far by held-out loss
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from blake3 import blake3
from filelock import FileLock, Timeout

from iotapretrain.errors import IotaError, RunError
from iotapretrain.training.checkpoint import FOLDER, sync
from iotapretrain.training.plan import Plan

PLAN, RECORDS, LOCK = "plan.json", "records.jsonl", ".lock"


def read_plan(run: Path) -> Plan:
    """The plan of a run that began."""
    try:
        return msgspec.json.decode((run / PLAN).read_bytes(), type=Plan)
    except (OSError, msgspec.DecodeError, IotaError) as error:
        raise RunError(
            f"{run / PLAN}: cannot be read: {error}; begin anew with another --out"
        ) from error


def has_begun(run: Path) -> bool:
    """Whether a checkpoint was ever finished there."""
    return any((run / FOLDER).glob("step-*"))


def settle(run: Path, plan: Plan) -> None:
    """Write the plan of a run that begins, whole or not at all; one that began keeps its own."""
    if has_begun(run):
        if read_plan(run) != plan:
            raise RunError(f"{run}: holds a run by another plan; begin this one elsewhere")
        return
    coming = run / f".{PLAN}.new"
    coming.write_bytes(msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
    sync(coming)
    os.replace(coming, run / PLAN)
    sync(run)


def digest(plan: Plan) -> str:
    """What a checkpoint must agree with."""
    return blake3(msgspec.json.encode(plan, order="sorted")).hexdigest()


def make(run: Path) -> None:
    """Make the folder, or say why it cannot be made."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise RunError(f"{run}: no folder to write to: {error.strerror}; name another") from error


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Be the only one who trains there; the lock dies with the process."""
    make(run)
    try:
        with FileLock(run / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise RunError(f"{run}: another process is training there; name another --out") from error
