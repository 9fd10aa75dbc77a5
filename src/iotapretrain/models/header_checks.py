"""What a model says of itself in its configuration and headers, and whether that may take part.

Without torch, and without a weight read. What cannot be read ends the checks, all others are
collected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from iotapretrain.models.config import LARGEST_CONFIG, Config, read_config
from iotapretrain.models.open_files import CONFIG, OpenFile, OpenFolder
from iotapretrain.models.verdict import Code, Finding, Rejection
from iotapretrain.models.weight_files import TensorEntry, check_sizes, stored_tensors
from iotapretrain.rules.competition.schedule import Constraints
from iotapretrain.rules.competition.size_limits import refuse

DTYPES = ("BF16", "F16", "F32")
VOCABULARY_PADDING = 512
"""Rows of the embedding may be rounded up to a multiple of this; more would be idle parameters."""


@dataclass(frozen=True)
class Limits:
    """What a competition allows, and how many ids its tokenizer has."""

    constraints: Constraints
    vocabulary: int

    @property
    def largest_vocabulary(self) -> int:
        return -(-self.vocabulary // VOCABULARY_PADDING) * VOCABULARY_PADDING


@dataclass(frozen=True)
class Facts:
    """A model in figures; `parameters` counts shared tensors once, `bytes` all files."""

    architecture: str
    parameters: int
    bytes: int
    tensors: int
    dtypes: tuple[str, ...]
    vocabulary: int
    positions: int


@dataclass(frozen=True)
class Claims:
    """A configuration that describes a network, and the tensors that the files hold for it."""

    config: Config
    tensors: Mapping[str, TensorEntry]
    facts: Facts


def claim(files: dict[str, int], limits: dict[str, Any], all_bytes: int) -> dict[str, Any]:
    """The task of a worker that needs no torch, so that it starts at once."""
    given = msgspec.convert(limits, Limits)
    claims = read_claims(OpenFolder.of(files, all_bytes), given)
    return {"facts": claims.facts, "findings": list(check_claims(claims, given))}


def check_listing(folder: OpenFolder, limits: Limits) -> None:
    """What can be refused without parsing a stranger's byte; Rejection if there is anything."""
    constraints = limits.constraints
    if folder.all_bytes > constraints.max_bytes:
        raise Rejection(
            Code.BYTES,
            f"{folder.all_bytes:,} bytes in all files; at most {constraints.max_bytes:,} allowed",
            folder.root.name,
        )
    _config_file(folder)
    check_sizes(folder)


def read_claims(folder: OpenFolder, limits: Limits) -> Claims:
    """Configuration and headers, or Rejection; who has something to lose leaves it to a worker."""
    check_listing(folder, limits)
    file = _config_file(folder)
    config = read_config(file.read(0, file.size), limits.constraints.architectures)
    tensors = stored_tensors(folder)
    facts = Facts(
        architecture=config.architecture.name,
        parameters=sum(
            entry.elements
            for name, entry in tensors.items()
            if not (config.tied and name == config.architecture.head)
        ),
        bytes=folder.all_bytes,
        tensors=len(tensors),
        dtypes=tuple(sorted({entry.dtype for entry in tensors.values()})),
        vocabulary=config.vocabulary,
        positions=config.positions,
    )
    return Claims(config, tensors, facts)


def check_claims(claims: Claims, limits: Limits) -> Iterator[Finding]:
    """Everything in which the claims break the limits."""
    config, constraints = claims.config, limits.constraints
    if not limits.vocabulary <= config.vocabulary <= limits.largest_vocabulary:
        yield Finding(
            Code.VOCABULARY,
            f"vocabulary of {config.vocabulary:,}; the tokenizer has {limits.vocabulary:,} ids,"
            f" so {limits.vocabulary:,} to {limits.largest_vocabulary:,} fit",
            "vocab_size",
        )
    if config.positions < constraints.sequence_length:
        sentence = f"{config.positions:,} positions; {constraints.sequence_length:,} are scored"
        yield Finding(Code.SEQUENCE_LENGTH, sentence, config.architecture.positions)
    for name, entry in claims.tensors.items():
        if entry.dtype not in DTYPES:
            sentence = f"{name} is {entry.dtype}; allowed: {', '.join(DTYPES)}"
            yield Finding(Code.DTYPE, sentence, name)
    yield from _check_size(claims, constraints)


def _check_size(claims: Claims, constraints: Constraints) -> Iterator[Finding]:
    config = claims.config
    head = config.architecture.head
    if config.tied and head in claims.tensors:
        yield Finding(
            Code.TIED,
            f"{head} is stored although config.json ties it to {config.architecture.embedding};"
            " shared parameters count once and are stored once",
            head,
        )
    refusal = refuse_size(config, claims.facts.parameters, constraints)
    if refusal is not None:
        yield Finding(Code.PARAMETERS, refusal, "parameters")
    elif config.layers > len(claims.tensors):
        sentence = f"{config.layers:,} layers, but only {len(claims.tensors):,} tensors"
        yield Finding(Code.MISSING_TENSOR, sentence, config.architecture.layers)


def refuse_size(config: Config, parameters: int, constraints: Constraints) -> str | None:
    """Why a network of so many parameters may not take part, or None."""
    bounds = constraints.min_parameters, constraints.max_parameters
    return refuse(parameters, *bounds, config.architecture.name, constraints.architectures)


def _config_file(folder: OpenFolder) -> OpenFile:
    file = folder.find(CONFIG)
    if file is None:
        raise Rejection(Code.NO_CONFIG, f"no {CONFIG}", CONFIG)
    if file.size > LARGEST_CONFIG:
        problem = f"{CONFIG} has {file.size:,} bytes; at most {LARGEST_CONFIG:,} are read"
        raise Rejection(Code.BAD_CONFIG, problem, CONFIG)
    return file
