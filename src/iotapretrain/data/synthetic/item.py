"""What a generated task consists of, and the draws that it is made by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from iotapretrain.rules.sampling import Stream

CONSONANTS = "bdfgklmnprstvz"
VOWELS = "aeiou"

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Item:
    """A text that a model is given, and the one right way to go on."""

    prompt: str
    answer: str

    @property
    def text(self) -> str:
        """Both, as one document to be trained or scored on."""
        return f"{self.prompt}{self.answer}\n"


class Draws:
    """The draws of a stream one after the other: the same on every machine, for ever."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._drawn = 0

    def below(self, bound: int) -> int:
        """An integer from 0 to bound - 1."""
        self._drawn += 1
        return self._stream.below(self._drawn - 1, bound)

    def between(self, least: int, most: int) -> int:
        """An integer from `least` to `most`."""
        return least + self.below(most - least + 1)

    def one_of(self, choices: Sequence[Choice]) -> Choice:
        """One of them."""
        return choices[self.below(len(choices))]

    def some_of(self, choices: Sequence[Choice], count: int) -> list[Choice]:
        """Different ones in random order; as many as there are is a shuffle."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(count)]

    def digits(self, count: int) -> str:
        """A number that is written with so many digits; its first is not 0."""
        return str(self.between(10 ** (count - 1), 10**count - 1))

    def word(self, syllables: int = 2) -> str:
        """A word that means nothing, so that no text that was ever read helps."""
        drawn = [self.one_of(CONSONANTS) + self.one_of(VOWELS) for _ in range(syllables)]
        return "".join(drawn) + self.one_of(CONSONANTS)

    def words(self, count: int) -> list[str]:
        """Words of which no two are the same."""
        found: dict[str, None] = {}
        while len(found) < count:
            found[self.word()] = None
        return list(found)
