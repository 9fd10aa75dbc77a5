"""One piece of work for a worker, its answer, and whose fault it is if there is none."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from iotapretrain.errors import InputError, WorkerError
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Code, Finding, Rejection
from iotapretrain.models.worker import Worker, ask
from iotapretrain.rules.competition.attempts import Outcome

REFERENCE_SECONDS = 0.25
"""What the reference takes on the slowest machine whose time limits are held against a model."""
REFERENCE_RUNS = 3
MOST_PATIENCE = 10.0
"""A slow machine gives a model so many times its limit at most, once, before it gives up."""
BLAMED = frozenset({"time", "process", "exception", "answer"})
"""What `Worker` says that a model did; everything else befell its files."""

OURS = frozenset({"number", "folder"})
"""What of a job is not told to the worker: it has the files open."""

Rows = list[list[int]]


@dataclass(frozen=True, eq=False)
class Job:
    """Score these pages, a list of rows each; with `prompts` also check the output, with
    `probe` also whether the model can be trained on, with `exact` whether float64 agrees, with
    `causality` whether it sees what comes next; with `behaviour` say what it loses on each token
    of these.
    """

    number: int
    folder: Path
    limits: Limits
    pages: Sequence[Rows]
    counted: Sequence[list[list[bool]] | None]
    prompts: Rows | None = None
    probe: Rows | None = None
    exact: Rows | None = None
    causality: Rows | None = None
    behaviour: Rows | None = None
    seed: int = 0


@dataclass(frozen=True)
class Failure:
    """Why there is no answer, and whose doing that was."""

    outcome: Outcome
    finding: Finding


class Scored(msgspec.Struct, frozen=True):
    """What a worker says: a mean loss for each page, null for one that is no number."""

    losses: tuple[float | None, ...]
    sanity: tuple[Finding, ...] = ()
    probe: tuple[Finding, ...] = ()
    exact: tuple[Finding, ...] = ()
    causality: tuple[Finding, ...] = ()
    behaviour: tuple[float | None, ...] = ()

    def known(self, pages: Sequence[int], checks: Iterable[str]) -> dict[str | int, Any]:
        """Losses by page number, findings or behaviour by the check's name, as plain data."""
        found: dict[str | int, Any] = dict(zip(pages, self.losses, strict=True))
        return found | {check: msgspec.to_builtins(getattr(self, check)) for check in checks}


@dataclass(frozen=True)
class Answer:
    """What came of a job."""

    number: int
    result: Scored | Failure
    seconds: float


class Executor(Protocol):
    """Runs jobs somewhere, some at once; what they answer depends on neither."""

    @property
    def width(self) -> int:
        """How many jobs run at once."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Every job's answer, in the order in which they come."""


def perform(job: Job, worker: Worker) -> Answer:
    """Do a job in a worker. A model that is over time gets a second chance on a slow machine."""
    try:
        worker.start()
    except (WorkerError, OSError, MemoryError) as error:
        return Answer(job.number, not_scored(error), 0.0)
    started = time.monotonic()
    limit = worker.budget.seconds
    result = _tried(job, worker)
    if _over_time(result):
        slowness = slowness_of(worker)
        if slowness > 1:
            patience = min(slowness, MOST_PATIENCE)
            worker.budget = replace(worker.budget, seconds=limit * patience)
            result = _tried(job, worker)
            if _over_time(result) and slowness_of(worker) > patience:
                slow = f"this machine is {slowness:.1f} x slower than it may be"
                result = not_scored(f"in time, but {slow}")
            worker.budget = replace(worker.budget, seconds=limit)
    return Answer(job.number, result, time.monotonic() - started)


def _tried(job: Job, worker: Worker) -> Scored | Failure:
    try:
        with open_folder(job.folder) as folder:
            given = {key: value for key, value in vars(job).items() if key not in OURS}
            try:
                all_bytes = folder.all_bytes
                scored = ask(worker, "score_pages", Scored, folder, all_bytes=all_bytes, **given)
            except Rejection as rejection:
                return _blamed(rejection.finding)
    except Rejection as rejection:  # the files that were inspected are no longer there
        return Failure(Outcome.INFRASTRUCTURE, rejection.finding)
    except (InputError, WorkerError, OSError, MemoryError) as error:
        return not_scored(error)
    if len(scored.losses) != len(job.pages):
        sentence = f"the worker answered {len(scored.losses)} losses for {len(job.pages)} pages"
        return Failure(Outcome.MODEL, Finding(Code.MISBEHAVED, sentence, "answer"))
    return scored


def _blamed(finding: Finding) -> Failure:
    """Whose fault it is that a worker refused a model, or did not come back from it."""
    if finding.code is not Code.MISBEHAVED:
        return Failure(Outcome.INADMISSIBLE, finding)
    ours = finding.item not in BLAMED
    return Failure(Outcome.INFRASTRUCTURE if ours else Outcome.MODEL, finding)


def not_scored(why: object) -> Failure:
    """A failure that is not the model's."""
    finding = Finding(Code.MISBEHAVED, f"not scored: {why}", "machine")
    return Failure(Outcome.INFRASTRUCTURE, finding)


def _over_time(result: Scored | Failure) -> bool:
    return isinstance(result, Failure) and result.finding.item == "time"


def slowness_of(worker: Worker) -> float:
    """How many times as long as it may this machine takes, now, for work of a known size.

    The slowest of some runs counts: whatever slowed the model may come and go.
    """
    try:
        took = [float(worker.call("reference", (), {})) for _ in range(REFERENCE_RUNS)]
    except (Rejection, WorkerError):
        return float("inf")
    return max(took) / REFERENCE_SECONDS
