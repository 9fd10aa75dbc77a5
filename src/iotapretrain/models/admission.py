"""May this model take part, and what does it score? Everything dear happens in a worker."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from iotapretrain.models import header_checks
from iotapretrain.models.copies import Fingerprint, Known, TensorPrint, find_copy, find_near_copy
from iotapretrain.models.header_checks import Facts, Limits, check_listing
from iotapretrain.models.open_files import OpenFolder, open_folder
from iotapretrain.models.verdict import Code, Finding, Rejection, Verdict
from iotapretrain.models.worker import Worker, ask
from iotapretrain.rules.competition.size_limits import PROJECTIONS, NormRule, refuse_norms

T = TypeVar("T")

_PROJECTION = re.compile(rf"\.(\d+)\.[\w.]*?({'|'.join(PROJECTIONS)})\.weight$")


@dataclass(frozen=True)
class Inspection:
    """The verdict, and what was found out before there was one."""

    verdict: Verdict
    facts: Facts | None = None
    digest: str | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True)
class Loss:
    """A model's mean loss, infinite where it is no number; or why there is none."""

    verdict: Verdict
    mean: float = math.inf


class Claimed(msgspec.Struct):
    """What a worker says about configuration and headers."""

    facts: Facts
    findings: list[Finding]


class Examined(msgspec.Struct):
    """What a worker says about the weights."""

    digest: str
    findings: list[Finding]
    fingerprint: dict[str, TensorPrint]


class _Lost(msgspec.Struct):
    """What a worker says about the loss of one page."""

    losses: tuple[float | None]


def inspect(
    root: Path, limits: Limits, worker: Worker, known: Sequence[Known] = (), salt: int = 0
) -> Inspection:
    """Headers first; only what passes them has its layout and values examined in the worker."""
    facts = None
    try:
        with open_folder(root) as folder:
            claimed = ask_claims(folder, limits, worker)
            facts = claimed.facts
            if claimed.findings:
                return Inspection(Verdict(tuple(claimed.findings)), facts)
            examined = _examined(folder, limits, worker, salt)
    except Rejection as rejection:
        return Inspection(Verdict((rejection.finding,)), facts)
    findings = (*examined.findings, *_further(examined, limits.constraints.norms, known))
    return Inspection(Verdict(findings), facts, examined.digest, examined.fingerprint)


def fingerprint(root: Path, limits: Limits, worker: Worker, salt: int = 0) -> Known:
    """A model as one that later models are compared with; Rejection if it cannot be read."""
    with open_folder(root) as folder:
        examined = _examined(folder, limits, worker, salt)
        return Known(str(root), examined.digest, examined.fingerprint)


def score(root: Path, limits: Limits, worker: Worker, page: Sequence[Sequence[int]]) -> Loss:
    """The mean loss of sequences of token ids, as that of one page of a round."""
    try:
        with open_folder(root) as folder:
            given = {"pages": [page], "counted": [None]}
            (mean,) = _ask(folder, limits, worker, "score_pages", _Lost, **given).losses
    except Rejection as rejection:
        return Loss(Verdict((rejection.finding,)))
    return Loss(Verdict(()), math.inf if mean is None else mean)


def ask_claims(folder: OpenFolder, limits: Limits, worker: Worker) -> Claimed:
    """Configuration and headers as a worker of their own reads them, or Rejection."""
    with Worker(worker.budget, header_checks.__name__) as reader:
        return _ask(folder, limits, reader, "claim", Claimed)


def _examined(folder: OpenFolder, limits: Limits, worker: Worker, salt: int) -> Examined:
    return _ask(folder, limits, worker, "examine", Examined, salt=salt)


def _ask(
    folder: OpenFolder, limits: Limits, worker: Worker, task: str, kind: type[T], **more: Any
) -> T:
    check_listing(folder, limits)
    return ask(worker, task, kind, folder, limits=limits, all_bytes=folder.all_bytes, **more)


def _further(
    examined: Examined, norms: NormRule | None, known: Sequence[Known]
) -> Iterable[Finding]:
    """What can be said about good values: norms, copies, near-copies."""
    if examined.findings:
        return
    if norms is not None:
        yield from _check_norms(examined.fingerprint, norms)
    copy = find_copy(examined.digest, known) or find_near_copy(examined.fingerprint, known)
    if copy is not None:
        yield copy


def _check_norms(tensors: Fingerprint, rule: NormRule) -> Iterable[Finding]:
    """The norm rule, for architectures that have the projections it names."""
    norms: dict[str, list[float]] = {}
    for name, tensor in tensors.items():
        if found := _PROJECTION.search(name):
            norms.setdefault(found[2], []).append(tensor.norm)
    refusal = refuse_norms(norms, rule) if norms else None
    if refusal is not None:
        yield Finding(Code.NORMS, refusal, "norms")
