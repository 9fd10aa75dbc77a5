"""What validators would say of a model: asked before anything of it leaves the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.competition.evaluation.contender import Terms
from iotapretrain.competition.evaluation.round_pages import RoundPages, read_text
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import InputError, WorkerError
from iotapretrain.models.admission import inspect
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Finding, Rejection
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.schedule import Competition
from iotapretrain.rules.sampling import seed_of
from iotapretrain.scoring.jobs import Job, Scored, perform

Inspector = Callable[[Path], tuple[Finding, ...]]
"""Everything that is wrong with the model in a folder."""

MOST_SHOWN = 3
"""Findings in one message: a model may lack a hundred tensors."""


@dataclass(frozen=True)
class OwnInspection:
    """What validators make of a model, in a process of its own: its files, and, where the
    competition asks for it, whether others can train on from it.
    """

    competition: Competition
    tokenizer: Tokenizer
    texts: PageCache
    block_hash: str
    """Of the present sync block, hex without 0x: it draws the text of the probe."""
    budget: Budget

    def __call__(self, folder: Path) -> tuple[Finding, ...]:
        limits = Limits(self.competition.constraints, self.tokenizer.vocabulary)
        with Worker(self.budget) as worker:
            found = inspect(folder, limits, worker).verdict.findings
            if found or not limits.constraints.trainable:
                return found
            return self._probed(folder, limits, worker)

    def _probed(self, folder: Path, limits: Limits, worker: Worker) -> tuple[Finding, ...]:
        # These bring torch along, which a model that is published already need not wait for.
        from iotapretrain.competition.evaluation.excerpts import checked_rows
        from iotapretrain.competition.evaluation.model_run import LARGEST_SEED

        seed = seed_of(f"0x{self.block_hash}")
        terms = Terms(self.competition, limits.vocabulary, seed, 0, self.tokenizer.end_id)
        text = read_text(self.competition, self.block_hash, self.tokenizer, self.texts)
        rows = checked_rows(RoundPages.of(text, terms).pages, terms)["probe"]
        job = Job(0, folder, limits, pages=(), counted=(), probe=rows, seed=seed % LARGEST_SEED)
        result = perform(job, worker).result
        if isinstance(result, Scored):
            return result.probe
        if result.outcome is Outcome.INFRASTRUCTURE:
            raise WorkerError(f"{folder}: could not be probed here: {result.finding.sentence}")
        return (result.finding,)


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
