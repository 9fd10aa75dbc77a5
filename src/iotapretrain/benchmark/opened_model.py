"""A model under test in memory, after inspection, and what it answers greedily. Prompts of equal
length in tokens go together, so that no model needs to be told about padding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import torch

from iotapretrain.benchmark.subject import (
    ModelText,
    Prompt,
    Spelling,
    Subject,
    check_spelling,
    inspected,
    refused,
)
from iotapretrain.models.header_checks import read_claims
from iotapretrain.models.layout import Model, load, stored_dtype
from iotapretrain.models.sanity import likeliest
from iotapretrain.models.worker import Worker

TOGETHER = 64


class Opened(ModelText):
    """A model in memory, and its texts."""

    def __init__(self, model: Model, spelling: Spelling, vocabulary: int, positions: int) -> None:
        super().__init__(spelling, vocabulary)
        self.model, self.positions = model, positions

    @property
    def device(self) -> torch.device:
        return self.model.device


def open_subject(subject: Subject, worker: Worker, device: str) -> Opened:
    """Inspect in the worker, then load what was inspected; no code of the repository is run."""
    with inspected(subject, worker) as found:
        claims = read_claims(found.files, found.limits)
        model = load(claims.config, claims.tensors, stored_dtype(claims.tensors))
        if changes := found.files.changes():
            raise refused(subject.name, changes)
    check_spelling(subject, found.facts)
    torch.nn.Module.to(model, torch.device(device))
    return Opened(model, subject.spelling, found.facts.vocabulary, claims.config.positions)


def continued(
    opened: Opened, prompts: Sequence[Prompt], progress: Callable[[int, int], None]
) -> list[str]:
    """The continuation of each, up to its first stop.

    A prompt too long for the model's positions loses its beginning, as in `lm-eval`; one whose
    answer alone would not fit is answered by nothing.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    rows: list[list[int]] = []
    for number, prompt in enumerate(prompts):
        room = max(opened.positions - prompt.limit, 0)
        rows.append(opened.encode(prompt.text, framed=True)[-room:] if room else [])
        by_length[len(rows[-1])].append(number)
    answers = [""] * len(prompts)
    done = len(by_length.pop(0, []))
    for numbers in by_length.values():
        for first in range(0, len(numbers), TOGETHER):
            batch = numbers[first : first + TOGETHER]
            texts = _continued(opened, [rows[n] for n in batch], [prompts[n] for n in batch])
            for number, text in zip(batch, texts, strict=True):
                answers[number] = text
            done += len(batch)
            progress(done, len(prompts))
    return answers


def _continued(opened: Opened, rows: list[list[int]], prompts: list[Prompt]) -> Iterator[str]:
    """Until every row has met a stop, the end token, or its limit."""
    chosen: list[list[int]] = [[] for _ in rows]
    open_rows = set(range(len(rows)))
    steps = likeliest(opened.model, torch.tensor(rows, device=opened.device))
    for tokens in steps:
        stopped = set()
        for row in open_rows:
            token = int(tokens[row])
            if token == opened.end_id:
                stopped.add(row)
            else:
                chosen[row].append(token)
        open_rows -= stopped
        open_rows -= _ended(opened, chosen, prompts, sorted(open_rows))
        if not open_rows:
            break
    for text, prompt in zip(opened.decode(chosen), prompts, strict=True):
        yield _before(text, prompt.stops)


def _ended(
    opened: Opened, chosen: list[list[int]], prompts: list[Prompt], rows: list[int]
) -> set[int]:
    """Those of the rows that have met a stop or their limit."""
    texts = opened.decode([chosen[row] for row in rows])
    return {
        row
        for row, text in zip(rows, texts, strict=True)
        if len(chosen[row]) >= prompts[row].limit or any(s in text for s in prompts[row].stops)
    }


def _before(text: str, stops: tuple[str, ...]) -> str:
    """The text without its first stop and what follows it."""
    return text[: min((text.find(stop) for stop in stops if stop in text), default=len(text))]
