"""What an inspection says: data, so that it can be stored, compared and shown. Failures of the
machine say nothing of the model that was open when they came, so none of them is ever final.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

EXHAUSTED = frozenset({errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOSPC})
ALLOCATOR_WORDS = (
    "can't allocate memory",
    "DefaultCPUAllocator",
    "not enough memory",
    "out of memory",
)
"""torch's allocators raise a RuntimeError; for the CPU only its words tell it from others."""


class Code(StrEnum):
    """Every reason to turn a model away, by the name that records and dashboards use."""

    NO_CONFIG = "no-config"
    BAD_CONFIG = "bad-config"
    REMOTE_CODE = "remote-code"
    ARCHITECTURE = "architecture"
    VOCABULARY = "vocabulary"
    SEQUENCE_LENGTH = "sequence-length"
    NO_WEIGHTS = "no-weights"
    PICKLE = "pickle"
    FILES = "files"
    BYTES = "bytes"
    HEADER = "header"
    INDEX = "index"
    DTYPE = "dtype"
    TIED = "tied"
    PARAMETERS = "parameters"
    MISSING_TENSOR = "missing-tensor"
    SURPLUS_TENSOR = "surplus-tensor"
    SHAPE = "shape"
    NORMS = "norms"
    NOT_FINITE = "not-finite"
    COPY = "copy"
    NEAR_COPY = "near-copy"
    UNREASONABLE = "unreasonable"
    FORGED = "forged"
    LOOKS_AHEAD = "looks-ahead"
    SABOTAGE = "sabotage"
    MISBEHAVED = "misbehaved"


@dataclass(frozen=True)
class Finding:
    """One reason: its code, a sentence for people, and the file, tensor or key that it is about."""

    code: Code
    sentence: str
    item: str


class ProbeCheck(StrEnum):
    """The checks of the probe for sabotage, by the name that records use."""

    NOT_FINITE = "not-finite"
    EPSILON = "epsilon"
    STREAM = "stream"
    PAIR = "pair"
    NORM = "norm"
    MATRIX = "matrix"
    ROW = "row"
    RARE_NEURON = "rare-neuron"
    DEAD_CHANNELS = "dead-channels"
    CONSTANT = "constant"
    GRADIENT = "gradient"
    TRAINING = "training"


@dataclass(frozen=True)
class Sign:
    """One relation in a probed model; `excess` is in decades beyond its limit, above 0 sabotage."""

    check: ProbeCheck
    item: str
    excess: float
    sentence: str

    @property
    def suspicious(self) -> bool:
        return self.excess > 0


@dataclass(frozen=True)
class Verdict:
    """All findings about one model; none means that it is admitted."""

    findings: tuple[Finding, ...]

    @property
    def admitted(self) -> bool:
        return not self.findings


class Rejection(Exception):  # noqa: N818 -- never leaves this room: it becomes a verdict
    """A finding after which nothing more can be read."""

    def __init__(self, code: Code, sentence: str, item: str) -> None:
        super().__init__(sentence)
        self.finding = Finding(code, sentence, item)

    @classmethod
    def of(cls, finding: Finding) -> Rejection:
        return cls(finding.code, finding.sentence, finding.item)


def is_machines(error: BaseException) -> bool:
    """Whether this failure, or one that led to it, is the machine's."""
    return any(_is_machines(each) for each in _led_by(error))


def _is_machines(error: BaseException) -> bool:
    match error:
        case MemoryError():
            return True
        case OSError():
            return error.errno in EXHAUSTED
        case RuntimeError():
            return any(words in str(error) for words in ALLOCATOR_WORDS)
    return False


def _led_by(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
