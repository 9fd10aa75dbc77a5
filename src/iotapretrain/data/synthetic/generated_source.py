"""Generated tasks as sources of text: row i depends on nothing but the task's name and i.

The texts show what is asked for by a few examples of their own, so that a model that was never told
the task can still do it, and fit in 256 bytes; invoices are longer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from iotapretrain.data.documents import digest_of
from iotapretrain.data.source import NumberedTexts
from iotapretrain.data.synthetic.invoices import invoices
from iotapretrain.data.synthetic.item import Draws, Item
from iotapretrain.rules.sampling import Stream

ROWS = 2**62
"""All pages of all rows can still be put in a random order (`rules.sampling.Permutation`)."""
CHECKED_ROWS = 8
"""The first rows stand for the generator: their digest is the revision."""

SUMS = 8
COPIED_WORDS = 12
PAIRS, QUESTIONS = 8, 4


def arithmetic(draws: Draws) -> Item:
    """Sums, differences and products of whole numbers; the last one is asked."""
    lines = [_sum(draws) for _ in range(SUMS)]
    solved = "".join(f"{question} {answer}\n" for question, answer in lines[:-1])
    question, answer = lines[-1]
    return Item(solved + question, f" {answer}")


def copying(draws: Draws) -> Item:
    """Words to be written again."""
    text = " ".join(draws.word() for _ in range(COPIED_WORDS))
    return Item(f"Text: {text}\nCopy:", f" {text}")


def recall(draws: Draws) -> Item:
    """Keys with values, then some keys again; the value of the last one is asked."""
    keys = draws.words(PAIRS)
    values = {key: draws.digits(4) for key in keys}
    asked = draws.some_of(keys, QUESTIONS)
    table = "".join(f"{key} = {value}\n" for key, value in values.items())
    answered = "".join(f"{key}? {values[key]}\n" for key in asked[:-1])
    return Item(f"{table}\n{answered}{asked[-1]}?", f" {values[asked[-1]]}")


def _sum(draws: Draws) -> tuple[str, int]:
    """A question and its answer. No difference is negative; factors have three digits at most."""
    sign = draws.one_of("+-*")
    longest = 3 if sign == "*" else 5
    left, right = (int(draws.digits(draws.between(1, longest))) for _ in range(2))
    if sign == "-":
        left, right = max(left, right), min(left, right)
    answer = {"+": left + right, "-": left - right, "*": left * right}[sign]
    return f"{left} {sign} {right} =", answer


SYNTHETIC: Mapping[str, Callable[[Draws], Item]] = MappingProxyType(
    {
        "synthetic/arithmetic": arithmetic,
        "synthetic/copying": copying,
        "synthetic/invoices": invoices,
        "synthetic/recall": recall,
    }
)
"""By the name of the source. A generator that would give other text needs another name."""


def item(name: str, row: int) -> Item:
    """Row `row` of a generated task."""
    return SYNTHETIC[name](Draws(Stream.of(row, "synthetic", name)))


class SyntheticSource(NumberedTexts):
    """The rows of a generated task."""

    def pin(self) -> tuple[str, int]:
        return f"rows-{digest_of(*map(self.text, range(CHECKED_ROWS)))[:32]}", ROWS

    def text(self, row: int) -> str:
        return item(self.name, row).text
