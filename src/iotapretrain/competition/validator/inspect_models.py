"""Looking at a committed model: listing, fetch, binding, inspection; every end has an outcome.

What the pinned bytes decide is final. What the hub, the network, the disk or this machine decided
says nothing about the model, and is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

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
from iotapretrain.hub.fetched_model import Model, is_bound, model_hash
from iotapretrain.hub.model_cache import Cache
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId
from iotapretrain.models.admission import Inspection, inspect
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.worker import Worker
from iotapretrain.net.retry import Patience
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.competition.validator.inspection_queue import COPY, earlier_owner
from iotapretrain.rules.competition.validator.journal_records import Looked, Reason
from iotapretrain.rules.competition.validator.state import Origin, State
from iotapretrain.rules.competition.validator.subnet_view import Candidate
from iotapretrain.scoring.jobs import BLAMED, slowness_of

FETCH_SECONDS = 1800.0
"""One model, from its listing to its last byte: 29 GiB at 130 Mbit/s."""
GONE = Reason("gone", "the hub shows no such commit, or not to us")
NOT_HERE = Reason("not-here", "could not be fetched here, which says nothing about the model")
NOT_OPENED = Reason("not-opened", "could not be opened here, which says nothing about the model")


@dataclass(frozen=True)
class Failure:
    """Why a model is not here, or must not be."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    detail: str = ""
    """For the operator; public reasons name nothing of this machine."""
    hub_down: bool = False
    """The hub did not answer at all: asking it for others now is in vain."""


def commit_of(commitment: Commitment) -> Commit:
    """The pinned commit that a commitment names."""
    return Commit(RepositoryId(commitment.namespace, commitment.name), commitment.commit)


@dataclass(frozen=True)
class Fetcher:
    """Brings committed models into the cache."""

    hub: Hub
    cache: Cache
    patience: Patience
    seconds: float = FETCH_SECONDS

    def look(self, candidate: Candidate, max_bytes: int, state: State) -> Model | Failure:
        """The model; or why not, without a download where the listing tells enough."""
        try:
            commit = commit_of(candidate.commitment)
        except InputError as error:  # the chain takes names that no hub has
            return Failure(Outcome.INADMISSIBLE, (Reason("refused", str(error)),))
        try:
            if self.cache.find(commit) is None:
                wanted = plan(self.hub.listing(commit), max_bytes)
                weights = [each.sha256 for each in wanted if each.path.endswith(".safetensors")]
                if (copy := _copy(state, candidate, weights)) is not None:
                    return Failure(Outcome.INADMISSIBLE, (copy,))
        except (HubError, OSError) as error:
            return failure_of(error)
        return self.bring(commit, max_bytes)

    def bring(self, commit: Commit, max_bytes: int) -> Model | Failure:
        """The model in the cache, fetched if it is not there any more."""
        try:
            return fetch(
                self.hub,
                commit,
                self.cache,
                max_bytes=max_bytes,
                seconds=self.seconds,
                patience=self.patience,
            )
        except (HubError, OSError) as error:
            return failure_of(error)

    def answers(self, commit: Commit) -> bool:
        """Whether the hub still gives anything of a commit: that its weights begin to arrive, or a
        refusal, which is an answer too."""
        try:
            files = self.hub.listing(commit).files
            weights = [each for each in files if each.path.endswith(".safetensors")]
            for entry in weights[:1]:
                with self.hub.read(commit, entry) as arriving:
                    next(iter(arriving), None)
        except (UnavailableHubError, OSError):
            return False
        except HubError:
            return True
        return True


def failure_of(error: HubError | OSError) -> Failure:
    """What a failure of the hub, or of our disk, says about the model."""
    match error:
        case MissingModelError():
            return Failure(Outcome.MODEL, (GONE,), str(error))
        case RefusedModelError():
            return Failure(Outcome.INADMISSIBLE, (Reason("refused", str(error)),))
        case CorruptModelError():
            return Failure(Outcome.BAD_HASH, (Reason("corrupt", str(error)),))
    down = isinstance(error, UnavailableHubError)
    return Failure(Outcome.INFRASTRUCTURE, (NOT_HERE,), str(error), down)


@dataclass(frozen=True)
class Inspector:
    """Opens fetched models, in a worker; used by one thread."""

    worker: Worker
    prints: Prints

    def inspect(
        self, candidate: Candidate, model: Model, limits: Limits, salt: int, at: int
    ) -> Looked:
        """What is to be remembered of a model."""
        if not is_bound(model, candidate.commitment, candidate.hotkey):
            sentence = f"{candidate.hotkey} committed to other bytes than {model.commit} holds"
            return looked(candidate, at, Outcome.BAD_HASH, [Reason("not-bound", sentence)])
        digests = (model_hash(model), weights_key(_weights(model)))
        try:
            inspection = inspect(model.folder, limits, self.worker, salt=salt)
        except (WorkerError, InputError, OSError, MemoryError):
            return looked(candidate, at, Outcome.INFRASTRUCTURE, [NOT_OPENED])
        if not inspection.verdict.admitted:
            return self._refused(candidate, at, inspection.verdict.findings, digests)
        if inspection.digest != digests[0]:
            return looked(candidate, at, Outcome.INFRASTRUCTURE, [NOT_OPENED])
        alike = tuple(self._compare(candidate.commitment.competition_id, digests[0], inspection))
        return looked(candidate, at, Outcome.EVALUATED, (), digests, alike)

    def _refused(
        self, candidate: Candidate, at: int, findings: Sequence[Finding], digests: tuple[str, ...]
    ) -> Looked:
        """A refusal; of a model that took too long, only if this machine is as fast as it must."""
        over_time = any(finding.item == "time" for finding in findings)
        if over_time and slowness_of(self.worker) > 1:
            return looked(candidate, at, Outcome.INFRASTRUCTURE, [NOT_OPENED])
        blamed = _blame(findings)
        if blamed is Outcome.INFRASTRUCTURE:
            return looked(candidate, at, blamed, [NOT_OPENED])
        return looked(candidate, at, blamed, map(reason_of, findings), digests)

    def _compare(self, competition: int, digest: str, inspection: Inspection) -> Iterator[str]:
        """Others that are the same but for noise; from now on this one is among them."""
        if inspection.fingerprint is not None:
            yield from self.prints.alike(competition, digest, inspection.fingerprint)
            self.prints.keep(competition, digest, inspection.fingerprint)


def looked(
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


def reason_of(finding: Finding) -> Reason:
    """A finding of a model's inspection or scoring, for records."""
    return Reason(str(finding.code), finding.sentence, finding.item)


def weights_key(hashes: Sequence[str]) -> str:
    """A name for the weights alone, whatever else lies beside them."""
    return "weights:" + sha256("".join(sorted(hashes)).encode()).hexdigest()


def _weights(model: Model) -> list[str]:
    return [file.sha256 for file in model.files if file.path.endswith(".safetensors")]


def _copy(state: State, candidate: Candidate, hashes: Sequence[str | None]) -> Reason | None:
    """Whether the listing already shows the weights of an earlier commitment of somebody else."""
    known = [each for each in hashes if each is not None]
    if not hashes or len(known) < len(hashes):
        return None
    mine = Origin(candidate.block, candidate.hotkey)
    owner = earlier_owner(state, [weights_key(known)], mine)
    if owner is None:
        return None
    sentence = f"has the very weights of the model that {owner.hotkey} committed"
    return Reason(COPY, f"{sentence} at block {owner.block}", owner.hotkey)


def _blame(findings: Sequence[Finding]) -> Outcome:
    """What follows from the bytes is final; whoever misbehaves gets a second chance.

    Files that change under our hands are our disk's doing: nobody else can reach the cache.
    """
    misbehaved = [each.item for each in findings if each.code is Code.MISBEHAVED]
    if not misbehaved:
        return Outcome.INADMISSIBLE
    return Outcome.MODEL if BLAMED.issuperset(misbehaved) else Outcome.INFRASTRUCTURE
