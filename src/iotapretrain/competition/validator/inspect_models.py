"""Looking at committed models: listing, fetch, binding, inspection; every end has an outcome.

What the pinned bytes decide is final. What the hub, the network, the disk or this machine decided
says nothing about the model, and is tried again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from iotapretrain.competition.records.committed import commit_of
from iotapretrain.competition.validator.fingerprints import Prints
from iotapretrain.errors import (
    CorruptModelError,
    HubError,
    InputError,
    MissingModelError,
    RefusedModelError,
    UnavailableHubError,
    WorkerError,
)
from iotapretrain.hub.fetch import fetch, plan
from iotapretrain.hub.fetched_model import Model, ModelFile, is_bound, model_hash
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Commit, FileEntry, Hub
from iotapretrain.models.admission import inspect
from iotapretrain.models.copies import Fingerprint
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.worker import Worker
from iotapretrain.net.retry import Clock, Patience
from iotapretrain.net.threads import Hand, Hands
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.inspection_queue import exact_copy
from iotapretrain.rules.competition.validator.journal_records import Looked, Reason
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import Candidate
from iotapretrain.scoring.jobs import BLAMED, slowness_of

File = TypeVar("File", FileEntry, ModelFile)

DOWNLOADS = 4
"""Models that are fetched at once."""
HUB_IS_DOWN = 3
"""Models in a row for which the hub did not answer; asking it for more now is in vain."""
FETCH_SECONDS = 1800.0
"""One model, from its listing to its last byte: 29 GiB at 130 Mbit/s."""
GONE = Reason("gone", "the hub shows no such commit, or not to us")
NOT_HERE = Reason("not-here", "could not be fetched here, which says nothing about the model")
NOT_OPENED = Reason("not-opened", "could not be opened here, which says nothing about the model")


@dataclass(frozen=True)
class Absence:
    """Why a model is not here, or must not be."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    detail: str = ""
    """For the operator; public reasons name nothing of this machine."""
    hub_down: bool = False
    """The hub did not answer at all: asking it for others now is in vain."""


@dataclass(frozen=True)
class Seen:
    """What a look brought, and its cost; `detail` is for the operator alone."""

    candidate: Candidate
    record: Looked
    size_bytes: int | None
    seconds: float
    detail: str = ""

    def told(self) -> dict[str, Any]:
        """What the log says of it: the fields of a `ModelFetched`."""
        commitment = self.candidate.commitment
        reasons = [f"{reason.code}: {reason.sentence}" for reason in self.record.reasons]
        return {
            "hotkey": self.candidate.hotkey,
            "uid": self.candidate.uid,
            "competition": commitment.competition_id,
            "repository": commitment.repo_id,
            "commit": commitment.commit,
            "outcome": str(self.record.outcome),
            "reasons": reasons + ([self.detail] if self.detail else []),
            "size_bytes": self.size_bytes,
            "seconds": self.seconds,
        }


class Inspector:
    """Fetches models side by side and opens them one after the other, in a worker on one thread."""

    def __init__(
        self,
        hub: Hub,
        cache: ModelCache,
        patience: Patience,
        worker: Worker,
        prints: Prints,
        clock: Clock = time.monotonic,
    ) -> None:
        self._hub, self._cache, self._patience = hub, cache, patience
        self._worker, self._prints, self._clock = worker, prints, clock
        self._downloads = Hands("fetch", DOWNLOADS)
        self._inspecting = Hand("inspect")

    async def look(
        self, candidates: Sequence[Candidate], limits: Limits, state: State, at: int
    ) -> AsyncIterator[Seen]:
        """A `Seen` for each, as they are done; those that a silent hub would cost us are not."""
        silent = 0

        async def one(candidate: Candidate) -> Seen | None:
            nonlocal silent
            began = self._clock()
            most = limits.constraints.max_bytes
            model = await self._downloads.do(
                lambda: None if silent >= HUB_IS_DOWN else self._found(candidate, most, state)
            )
            silent = silent + 1 if isinstance(model, Absence) and model.hub_down else 0
            if model is None:
                return None
            if isinstance(model, Absence):
                record = _looked(candidate, at, model.outcome, model.reasons)
                return Seen(candidate, record, None, self._clock() - began, model.detail)
            record = await self._inspecting.do(
                lambda: self._inspected(candidate, model, limits, state.salt, at)
            )
            return Seen(candidate, record, model.total_bytes, self._clock() - began)

        for done in asyncio.as_completed([one(candidate) for candidate in candidates]):
            seen = await done
            if seen is not None:
                yield seen

    async def fetch(self, candidate: Candidate, max_bytes: int, state: State) -> None:
        """Bring a model here ahead of time; what comes of it is asked when it is looked at."""
        await self._downloads.do(lambda: self._found(candidate, max_bytes, state))

    async def bring(self, commit: Commit, max_bytes: int) -> Model | Absence:
        """The model of somebody who was looked at before; mostly it is still here."""
        return await self._downloads.do(lambda: self._brought(commit, max_bytes))

    async def is_away(self, commits: Sequence[Commit]) -> bool:
        """Whether the hub is silent about these too, of which it is asked for a few."""
        for commit in commits[:HUB_IS_DOWN]:
            if await self._downloads.do(partial(self._answers, commit)):
                return False
        return True

    # Fetching

    def _found(self, candidate: Candidate, max_bytes: int, state: State) -> Model | Absence:
        """The model; or why not, without a download where the listing tells enough."""
        try:
            commit = commit_of(candidate.commitment)
        except InputError as error:  # the chain takes names that no hub has
            return Absence(Outcome.INADMISSIBLE, (Reason("refused", str(error)),))
        try:
            if self._cache.find(commit) is None:
                listed = _weights(plan(self._hub.listing(commit), max_bytes))
                hashes = [each.sha256 for each in listed if each.sha256 is not None]
                digests = [_weights_key(hashes)] if hashes and len(hashes) == len(listed) else []
                if (copy := exact_copy(state, candidate, digests)) is not None:
                    return Absence(Outcome.INADMISSIBLE, (copy,))
        except (HubError, OSError) as error:
            return _absence_of(error)
        return self._brought(commit, max_bytes)

    def _brought(self, commit: Commit, max_bytes: int) -> Model | Absence:
        """The model in the cache, fetched if it is not there any more."""
        try:
            return fetch(
                self._hub,
                commit,
                self._cache,
                max_bytes=max_bytes,
                seconds=FETCH_SECONDS,
                patience=self._patience,
            )
        except (HubError, OSError) as error:
            return _absence_of(error)

    def _answers(self, commit: Commit) -> bool:
        """Whether the hub still gives anything of a commit: that its weights begin to arrive, or a
        refusal, which is an answer too."""
        try:
            for entry in _weights(self._hub.listing(commit).files)[:1]:
                with self._hub.read(commit, entry) as arriving:
                    next(iter(arriving), None)
        except (UnavailableHubError, OSError):
            return False
        except HubError:
            return True
        return True

    # Opening

    def _inspected(
        self, candidate: Candidate, model: Model, limits: Limits, salt: int, at: int
    ) -> Looked:
        """What is to be remembered of a model."""
        if not is_bound(model, candidate.commitment, candidate.hotkey):
            sentence = f"{candidate.hotkey} committed to other bytes than {model.commit} holds"
            return _looked(candidate, at, Outcome.BAD_HASH, [Reason("not-bound", sentence)])
        digest = model_hash(model)
        digests = (digest, _weights_key([file.sha256 for file in _weights(model.files)]))
        try:
            inspection = inspect(model.folder, limits, self._worker, salt=salt)
        except (WorkerError, InputError, OSError, MemoryError):
            return _looked(candidate, at, Outcome.INFRASTRUCTURE, [NOT_OPENED])
        if findings := inspection.verdict.findings:
            blamed = self._blamed(findings)
            if blamed is Outcome.INFRASTRUCTURE:
                return _looked(candidate, at, blamed, [NOT_OPENED])
            return _looked(candidate, at, blamed, map(reason_of, findings), digests)
        if inspection.digest != digest:
            return _looked(candidate, at, Outcome.INFRASTRUCTURE, [NOT_OPENED])
        competition = candidate.commitment.competition_id
        alike = self._alike(competition, digest, inspection.fingerprint)
        return _looked(candidate, at, Outcome.EVALUATED, (), digests, alike)

    def _blamed(self, findings: Sequence[Finding]) -> Outcome:
        """What follows from the bytes is final; whoever misbehaves gets a second chance.

        A model that took too long is to blame only if this machine is as fast as it must. Files
        that change under our hands are our disk's doing: nobody else can reach the cache.
        """
        over_time = any(finding.item == "time" for finding in findings)
        if over_time and slowness_of(self._worker) > 1:
            return Outcome.INFRASTRUCTURE
        misbehaved = [each.item for each in findings if each.code is Code.MISBEHAVED]
        if not misbehaved:
            return Outcome.INADMISSIBLE
        return Outcome.MODEL if BLAMED.issuperset(misbehaved) else Outcome.INFRASTRUCTURE

    def _alike(
        self, competition: int, digest: str, fingerprint: Fingerprint | None
    ) -> tuple[str, ...]:
        """Others that are the same but for noise; from now on this one is among them."""
        if fingerprint is None:
            return ()
        alike = tuple(self._prints.alike(competition, digest, fingerprint))
        self._prints.keep(competition, digest, fingerprint)
        return alike


def reason_of(finding: Finding) -> Reason:
    """A finding of a model's inspection or scoring, for records."""
    return Reason(str(finding.code), finding.sentence, finding.item)


def _absence_of(error: HubError | OSError) -> Absence:
    """What a failure of the hub, or of our disk, says about the model."""
    match error:
        case MissingModelError():
            return Absence(Outcome.MODEL, (GONE,), str(error))
        case RefusedModelError():
            return Absence(Outcome.INADMISSIBLE, (Reason("refused", str(error)),))
        case CorruptModelError():
            return Absence(Outcome.BAD_HASH, (Reason("corrupt", str(error)),))
    down = isinstance(error, UnavailableHubError)
    return Absence(Outcome.INFRASTRUCTURE, (NOT_HERE,), str(error), down)


def _looked(
    candidate: Candidate,
    at: int,
    outcome: Outcome,
    reasons: Iterable[Reason],
    digests: tuple[str, ...] = (),
    alike: tuple[str, ...] = (),
) -> Looked:
    """The record of a look at a candidate."""
    text = candidate.commitment.text
    where = (candidate.hotkey, candidate.block, text, at)
    return Looked(*where, outcome, tuple(reasons), digests, alike)


def _weights(files: Iterable[File]) -> list[File]:
    return [file for file in files if file.path.endswith(".safetensors")]


def _weights_key(hashes: Sequence[str]) -> str:
    """A name for the weights alone, whatever else lies beside them."""
    return "weights:" + sha256("".join(sorted(hashes)).encode()).hexdigest()
