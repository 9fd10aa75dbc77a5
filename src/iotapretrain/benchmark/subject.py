"""A model under test: found by its place, known by its digest, inspected before it is opened. All
of it without torch, which would be longer in coming than many an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iotapretrain.benchmark.sandboxed_tokenizer import GuardedSpelling, guarded
from iotapretrain.benchmark.spelling import OwnSpelling
from iotapretrain.data.tokenizer import BYTES, find_files, load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.fetch import Progress, fetch
from iotapretrain.hub.model_cache import ModelCache
from iotapretrain.hub.protocol import Commit
from iotapretrain.models.admission import ask_claims, inspect
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.header_checks import Facts, Limits
from iotapretrain.models.open_files import OpenFolder, open_folder
from iotapretrain.models.verdict import Finding, Rejection
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.schedule import Constraints

HUB = "hub:"
LARGEST = 2**48
ANYTHING = Constraints(
    min_parameters=0,
    max_parameters=LARGEST,
    sequence_length=2,
    tokenizer="",
    max_bytes=LARGEST,
    architectures=frozenset(ARCHITECTURES),
)
"""No competition sets limits here: only what makes a model safe and whole is asked for."""

Spelling = OwnSpelling | GuardedSpelling
"""A tokenizer that tells texts apart as its model learned them."""


@dataclass(frozen=True)
class Subject:
    """A model on this disk; the digest is over weights, configuration and tokenizer."""

    name: str
    folder: Path
    spelling: Spelling
    weights: str

    @property
    def digest(self) -> str:
        """What its results are kept under."""
        return f"{self.weights}/{self.spelling.digest}"


@dataclass(frozen=True)
class Prompt:
    """A text, what ends its continuation, and how many tokens that may take at most."""

    text: str
    stops: tuple[str, ...]
    limit: int


class ModelText:
    """Texts as `transformers` would give them to a model of this vocabulary."""

    def __init__(self, spelling: Spelling, vocabulary: int) -> None:
        self.end_id = spelling.end_id
        self._spelling, self._vocabulary = spelling, vocabulary
        self.start = self._encoded("", framed=True)

    def encode(self, text: str, framed: bool) -> list[int]:
        """Token ids; framed by the start token, if any, that the tokenizer puts before a text and
        that the text does not begin with itself.
        """
        ids = self._encoded(text, framed)
        doubled = framed and self.start and ids[:2] == self.start * 2
        return ids[1:] if doubled else ids

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        return self._spelling.decode(rows)

    def _encoded(self, text: str, framed: bool) -> list[int]:
        (ids,) = self._spelling.encode([text], framed)
        if (greatest := max(ids, default=0)) >= self._vocabulary:
            raise InputError(
                f"the tokenizer has an id {greatest:,}, the model {self._vocabulary:,} ids; name"
                " the tokenizer that it was trained with"
            )
        return ids


@contextmanager
def located(place: str, address: str, cache: ModelCache, progress: Progress) -> Iterator[Path]:
    """The folder of a model: its path, or `hub:NAMESPACE/NAME@COMMIT`, fetched and held."""
    if not place.startswith(HUB):
        yield Path(place)
        return
    commit = Commit.parse(place.removeprefix(HUB))
    fetch(open_hub(address), commit, cache, max_bytes=LARGEST, progress=progress)
    with cache.hold(commit) as model:
        yield model.folder


@contextmanager
def identified(name: str, folder: Path, tokenizer: str | None) -> Iterator[Subject]:
    """What its files are; the tokenizer is its own, unless another is named."""
    try:
        with open_folder(folder) as files:
            digest = files.digest()
    except Rejection as rejection:
        raise refused(name, [rejection.finding]) from rejection
    with _spelled(name, str(folder), tokenizer) as spelling:
        spelling.close()  # nobody may need it: its results may be known
        yield Subject(name, folder, spelling, digest)


@contextmanager
def _spelled(name: str, folder: str, named: str | None) -> Iterator[Spelling]:
    """A tokenizer that has a tokenizer.json is opened in a worker, whoever named it."""
    files = None if named == BYTES else find_files(named or folder)
    if files is not None:
        with guarded(name, files) as spelling:
            yield spelling
    elif named is None:
        raise InputError(
            f"{name}: has no tokenizer.json; name a tokenizer, such as `bytes`, or a folder of"
            " older formats that you trust"
        )
    else:
        yield OwnSpelling(load_tokenizer(named))


@dataclass(frozen=True)
class Inspected:
    """A model in which a worker found nothing wrong, its files still open."""

    files: OpenFolder
    facts: Facts

    @property
    def limits(self) -> Limits:
        """Those that it keeps to."""
        return Limits(ANYTHING, self.facts.vocabulary)


@contextmanager
def inspected(subject: Subject, worker: Worker) -> Iterator[Inspected]:
    """The model, or one line about what is wrong with it, also with what is asked of it then."""
    try:
        with open_folder(subject.folder) as files:
            facts = ask_claims(files, Limits(ANYTHING, 0), worker).facts
            found = Inspected(files, facts)
            verdict = inspect(subject.folder, found.limits, worker).verdict
            if not verdict.admitted:
                raise refused(subject.name, verdict.findings)
            yield found
    except Rejection as rejection:
        raise refused(subject.name, [rejection.finding]) from rejection


def check_spelling(subject: Subject, facts: Facts) -> None:
    """Refuse a tokenizer with ids that the model has not."""
    if subject.spelling.vocabulary > facts.vocabulary:
        raise InputError(
            f"{subject.name}: the tokenizer has {subject.spelling.vocabulary:,} ids, the model"
            f" {facts.vocabulary:,}; name the tokenizer that it was trained with"
        )


def refused(name: str, findings: tuple[Finding, ...] | list[Finding]) -> InputError:
    reasons = "; ".join(finding.sentence for finding in findings)
    return InputError(f"{name}: is not opened: {reasons}")
