"""What validators would say of a model: asked before anything of it leaves the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iotapretrain.errors import InputError
from iotapretrain.models.claims import Limits
from iotapretrain.models.files import open_folder
from iotapretrain.models.inspect import inspect
from iotapretrain.models.verdict import Finding, Rejection
from iotapretrain.models.worker import Budget, Worker

Inspector = Callable[[Path], tuple[Finding, ...]]
"""Everything that is wrong with the model in a folder."""

MOST_SHOWN = 3
"""Findings in one message: a model may lack a hundred tensors."""


def inspector(limits: Limits, budget: Budget) -> Inspector:
    """The inspection that validators make, in a process of its own."""

    def findings(folder: Path) -> tuple[Finding, ...]:
        with Worker(budget) as worker:
            return inspect(folder, limits, worker).verdict.findings

    return findings


def check_admitted(folder: Path, inspect_model: Inspector) -> None:
    """Refuse in one line what validators would refuse."""
    findings = inspect_model(folder)
    if findings:
        raise _refused(folder, findings)


def local_hash(folder: Path) -> str:
    """The model hash of a folder, as it will be of the same files on the hub."""
    try:
        with open_folder(folder) as opened:
            return opened.digest()
    except Rejection as rejection:
        raise _refused(folder, (rejection.finding,)) from rejection


def _refused(folder: Path, findings: tuple[Finding, ...]) -> InputError:
    said = "; ".join(f"{each.code}: {each.sentence}" for each in findings[:MOST_SHOWN])
    more = f"; and {len(findings) - MOST_SHOWN} more" if len(findings) > MOST_SHOWN else ""
    return InputError(f"{folder}: validators would refuse it: {said}{more}")
