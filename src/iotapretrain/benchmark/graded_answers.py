"""What a model answers greedily, and generated tasks, whose answers are held against the truth.
Prompts of equal length in tokens go together, so that no model needs to be told about padding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from iotapretrain.benchmark.results import Measurement, MetricValue, Progress, mean
from iotapretrain.benchmark.subject import Opened
from iotapretrain.data.batches import draw
from iotapretrain.data.synthetic.generated_source import SyntheticSource, item
from iotapretrain.data.synthetic.item import Item
from iotapretrain.models.sanity import likeliest

TOGETHER = 64
ITEMS = 200
SPARE_TOKENS = 16
"""A greedy answer may be so much longer than the right one before it is cut off."""
INVOICES = "synthetic/invoices"


@dataclass(frozen=True)
class Prompt:
    """A text, what ends its continuation, and how many tokens that may take at most."""

    text: str
    stops: tuple[str, ...]
    limit: int


def continued(opened: Opened, prompts: Sequence[Prompt], progress: Progress) -> list[str]:
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


@dataclass(frozen=True)
class Answers:
    """The task: `items` rows, drawn by the seed."""

    name: str
    seed: int
    items: int = ITEMS

    def fingerprint(self) -> str:
        revision = SyntheticSource(self.name).describe().revision
        return f"{self.name}@{revision} {self.seed} {self.items}"

    def measure(self, opened: Opened, progress: Progress) -> Measurement:
        asked = self.drawn()
        stop = "\n\n" if self.name == INVOICES else "\n"
        prompts = [_prompt(opened, each, stop) for each in asked]
        fitting = [number for number, prompt in enumerate(prompts) if prompt is not None]
        given = [""] * len(asked)
        whole = [prompt for prompt in prompts if prompt is not None]
        for number, text in zip(fitting, continued(opened, whole, progress), strict=True):
            given[number] = text
        pairs = [(each.answer, text) for each, text in zip(asked, given, strict=True)]
        metrics = _of_fields(pairs) if self.name == INVOICES else _of_lines(pairs)
        return Measurement(metrics, {"items": len(asked), "too long": len(asked) - len(fitting)})

    def drawn(self) -> list[Item]:
        description = SyntheticSource(self.name).describe()
        pages = draw(description, self.seed, 0, self.name, 1).first(self.items)
        return [item(self.name, page.start) for page in pages]


def fields(text: str) -> dict[str, str]:
    """The lines `name: value` that have a value; the first one of each name counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and value.strip():
            found.setdefault(name.strip(), value.strip())
    return found


def _prompt(opened: Opened, asked: Item, stop: str) -> Prompt | None:
    """None where the model has too few positions for question and answer."""
    limit = len(opened.encode(asked.answer, framed=False)) + SPARE_TOKENS
    if len(opened.encode(asked.prompt, framed=True)) + limit > opened.positions:
        return None
    return Prompt(asked.prompt, (stop,), limit)


def _of_lines(pairs: Sequence[tuple[str, str]]) -> dict[str, MetricValue]:
    """Accuracy: the share of answers that are right in every character."""
    return {"accuracy": mean([float(right.strip() == text.strip()) for right, text in pairs])}


def _of_fields(pairs: Sequence[tuple[str, str]]) -> dict[str, MetricValue]:
    """Accuracy: the share of the fields asked that are right. Completeness: the share given at all.

    Guessing raises completeness alone; leaving out lowers both.
    """
    accurate, complete, exact = [], [], []
    for right, text in pairs:
        wanted, given = fields(right), fields(text)
        correct = sum(given.get(name) == value for name, value in wanted.items())
        accurate.append(correct / len(wanted))
        complete.append(sum(name in given for name in wanted) / len(wanted))
        exact.append(float(correct == len(wanted)))
    return {"accuracy": mean(accurate), "completeness": mean(complete), "all fields": mean(exact)}
