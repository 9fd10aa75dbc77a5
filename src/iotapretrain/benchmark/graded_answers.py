"""Generated tasks, whose answers by the model are held against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iotapretrain.benchmark.results import Measurement, MetricValue, Progress, mean
from iotapretrain.benchmark.subject import Prompt
from iotapretrain.data.batches import draw
from iotapretrain.data.synthetic.generated_source import SyntheticSource, item
from iotapretrain.data.synthetic.item import Item

if TYPE_CHECKING:
    from iotapretrain.benchmark.opened_model import Opened

ITEMS = 200
SPARE_TOKENS = 16
"""A greedy answer may be so much longer than the right one before it is cut off."""
INVOICES = "synthetic/invoices"


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
        from iotapretrain.benchmark.opened_model import continued

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
