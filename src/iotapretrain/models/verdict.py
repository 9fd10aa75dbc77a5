"""What an inspection says: data, so that it can be stored, compared and shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
