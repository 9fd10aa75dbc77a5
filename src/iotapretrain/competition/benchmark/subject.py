"""A model under test: found by its place, known by its digest, opened only after inspection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tokenizers
import torch

from iotapretrain.data.tokenizer import Tokenizer, load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.hub.address import open_hub
from iotapretrain.hub.cache import Cache
from iotapretrain.hub.fetch import Progress, fetch
from iotapretrain.hub.protocol import Commit
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.claims import Limits, read_claims
from iotapretrain.models.files import open_folder
from iotapretrain.models.inspect import ask_claims, inspect
from iotapretrain.models.layout import Model
from iotapretrain.models.loading import DTYPES, load
from iotapretrain.models.verdict import Finding, Rejection
from iotapretrain.models.worker import Worker
from iotapretrain.rules.schedule import Constraints

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


@dataclass(frozen=True)
class Subject:
    """A model on this disk; the digest is over weights, configuration and tokenizer."""

    name: str
    folder: Path
    tokenizer: Tokenizer
    weights: str

    @property
    def digest(self) -> str:
        """What its results are kept under."""
        return f"{self.weights}/{self.tokenizer.digest}"


class Opened:
    """A model in memory, and texts as `transformers` would give them to it.

    Unlike pages of a competition, the texts of a benchmark are nobody's attack. So the names of
    special tokens in them, such as `<unk>`, become those tokens, as everywhere in the field.
    """

    def __init__(self, model: Model, tokenizer: Tokenizer, positions: int) -> None:
        self.model, self.positions, self.end_id = model, positions, tokenizer.end_id
        self._backend = tokenizers.Tokenizer.from_str(tokenizer.backend.to_str())
        self.start: list[int] = self._backend.encode("").ids

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.model.device

    def encode(self, text: str, framed: bool) -> list[int]:
        """Token ids; framed by the start token, if any, that the tokenizer puts before a text and
        that the text does not begin with itself.
        """
        ids: list[int] = self._backend.encode(text, add_special_tokens=framed).ids
        doubled = framed and self.start and ids[:2] == self.start * 2
        return ids[1:] if doubled else ids

    def decode(self, ids: list[int]) -> str:
        """The text of token ids."""
        text: str = self._backend.decode(ids, skip_special_tokens=True)
        return text


@contextmanager
def located(place: str, address: str, cache: Cache, progress: Progress) -> Iterator[Path]:
    """The folder of a model: its path, or `hub:NAMESPACE/NAME@COMMIT`, fetched and held."""
    if not place.startswith(HUB):
        yield Path(place)
        return
    commit = Commit.parse(place.removeprefix(HUB))
    fetch(open_hub(address), commit, cache, max_bytes=LARGEST, progress=progress)
    with cache.hold(commit) as model:
        yield model.folder


def identify(name: str, folder: Path, tokenizer: str | None) -> Subject:
    """What its files are; the tokenizer is its own, unless another is named."""
    try:
        with open_folder(folder) as files:
            digest = files.digest()
    except Rejection as rejection:
        raise _refused(name, [rejection.finding]) from rejection
    own = any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer_config.json"))
    if tokenizer is None and not own:
        raise InputError(f"{name}: has no tokenizer.json; name a tokenizer, such as `bytes`")
    return Subject(name, folder, load_tokenizer(tokenizer or str(folder)), digest)


def open_subject(subject: Subject, worker: Worker, device: str) -> Opened:
    """Inspect in the worker, then load what was inspected; no code of the repository is run."""
    try:
        with open_folder(subject.folder) as files:
            vocabulary = ask_claims(files, Limits(ANYTHING, 0), worker).facts.vocabulary
            verdict = inspect(subject.folder, Limits(ANYTHING, vocabulary), worker).verdict
            if not verdict.admitted:
                raise _refused(subject.name, verdict.findings)
            claims = read_claims(files, Limits(ANYTHING, vocabulary))
            stored = {tensor.entry.dtype for tensor in claims.tensors.values()}
            dtype = DTYPES[stored.pop()] if len(stored) == 1 else torch.float32
            model = load(claims.config, claims.tensors, dtype)
            if changes := files.changes():
                raise _refused(subject.name, changes)
    except Rejection as rejection:
        raise _refused(subject.name, [rejection.finding]) from rejection
    if subject.tokenizer.vocabulary > vocabulary:
        raise InputError(
            f"{subject.name}: the tokenizer has {subject.tokenizer.vocabulary:,} ids, the model"
            f" {vocabulary:,}; name the tokenizer that it was trained with"
        )
    torch.nn.Module.to(model, torch.device(device))
    return Opened(model, subject.tokenizer, claims.config.positions)


def _refused(name: str, findings: tuple[Finding, ...] | list[Finding]) -> InputError:
    reasons = "; ".join(finding.sentence for finding in findings)
    return InputError(f"{name}: is not opened: {reasons}")
