"""What a model says: a text continued as it comes, by a stranger's weights in one worker and a
stranger's tokenizer in another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from iotapretrain.benchmark.sandboxed_tokenizer import Id
from iotapretrain.benchmark.subject import (
    ANYTHING,
    Inspected,
    ModelText,
    Subject,
    check_spelling,
    inspected,
)
from iotapretrain.errors import InputError
from iotapretrain.models.worker import Budget, Worker, allowance, ask, machine_bytes

Ending = Literal["end", "max-tokens", "positions"]
"""The end token; as many as were wanted; as many as the model has positions for."""

Say = Callable[[str], None]
HOTTEST, LARGEST_SEED = 100, 2**63 - 1
TOKEN: Any = Id

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""Ends the text of bytes that are not yet a whole letter."""


@dataclass(frozen=True)
class Drawing:
    """How the next token is drawn (`continuation.drawn`)."""

    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= HOTTEST:
            raise InputError(f"temperature {self.temperature:g}: give 0 (the likeliest) to 100")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top-p {self.top_p:g}: give a share above 0, at most 1")
        if self.top_k < 0 or not 0 <= self.seed <= LARGEST_SEED:
            raise InputError("top-k and seed are whole numbers from 0 on")


@dataclass
class Speech:
    """A prompt being continued: its tokens so far, and why there are no more."""

    prompt: tuple[int, ...]
    tokens: list[int] = field(default_factory=list)
    ending: Ending = "max-tokens"


def budget_for(folder: Path) -> Budget:
    """Room for the model that lies there, and all processors of this machine."""
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    roomy = allowance(Budget(), [replace(ANYTHING, max_bytes=size)], machine_bytes())
    return replace(roomy, threads=len(os.sched_getaffinity(0)))


def speak(
    subject: Subject, prompt: str, most: int, drawing: Drawing, worker: Worker, say: Say
) -> Speech:
    """Continue the prompt; each piece is said as soon as no later token can change it."""
    with inspected(subject, worker) as found:
        check_spelling(subject, found.facts)
        text = ModelText(subject.spelling, found.facts.vocabulary)
        prompted = text.encode(prompt, framed=True) or [text.end_id]
        room = found.facts.positions - len(prompted)
        if room < 1:
            raise InputError(
                f"{subject.name}: the prompt has {len(prompted):,} tokens, the model positions for"
                f" {found.facts.positions:,}, and needs one more; shorten the prompt"
            )
        speech = Speech(tuple(prompted))
        tokens = _tokens(found, speech, drawing, worker)
        for piece in _pieces(text, _ended(text, speech, tokens, most, room)):
            say(piece)
        return speech


def _tokens(found: Inspected, speech: Speech, drawing: Drawing, worker: Worker) -> Iterator[int]:
    """Without end, as the worker says them."""
    files = found.files
    first: Id = ask(
        worker,
        "begin",
        TOKEN,
        files,
        limits=found.limits,
        all_bytes=files.all_bytes,
        prompt=speech.prompt,
        drawing=drawing,
    )
    yield first
    while True:
        yield ask(worker, "go_on", TOKEN, files)


def _ended(
    text: ModelText, speech: Speech, tokens: Iterator[int], most: int, room: int
) -> Iterator[int]:
    """Up to the end token, which is left out, or as many as there may be."""
    for token in islice(tokens, min(most, room)):
        if token == text.end_id:
            speech.ending = "end"
            return
        speech.tokens.append(token)
        yield token
    speech.ending = "max-tokens" if most <= room else "positions"


def _pieces(text: ModelText, tokens: Iterable[int]) -> Iterator[str]:
    """A letter may take several tokens, and a token's text may hang on the one before it."""
    before: list[int] = []
    coming: list[int] = []
    for token in tokens:
        coming.append(token)
        known, both = text.decode([before, before + coming])
        if len(both) > len(known) and not both.endswith(UNFINISHED):
            yield both[len(known) :]
            before, coming = coming, []
    if coming:
        known, both = text.decode([before, before + coming])
        yield both[len(known) :]
