"""The rows of local task files: which fields they have, read before a harness reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from iotapretrain.errors import InputError


class Row(msgspec.Struct, frozen=True):
    """One item of a task; further fields do not matter."""

    def chosen_from(self) -> tuple[int, Sequence[str]]:
        """The number of the right option, and the options; nothing to choose by default."""
        return 0, ("",)


class Query(Row, frozen=True):
    """A text and its possible continuations: HellaSwag, ARC, PIQA."""

    query: str
    choices: list[str]
    gold: int

    def chosen_from(self) -> tuple[int, Sequence[str]]:
        """See `Row`."""
        return self.gold, self.choices


class Blank(Row, frozen=True):
    """Texts of which one goes better with what follows: WinoGrande."""

    context_options: list[str]
    continuation: str
    gold: int

    def chosen_from(self) -> tuple[int, Sequence[str]]:
        """See `Row`."""
        return self.gold, self.context_options


class LastWord(Row, frozen=True):
    """A text and its last word: LAMBADA."""

    context: str
    continuation: str


class Question(Row, frozen=True):
    """A question about a subject: MMLU."""

    subject: str
    question: str
    choices: list[str]
    answer: int

    def chosen_from(self) -> tuple[int, Sequence[str]]:
        """See `Row`."""
        return self.answer, self.choices


class ProQuestion(Row, frozen=True):
    """The same under the names of MMLU-Pro."""

    category: str
    question: str
    options: list[str]
    answer_index: int

    def chosen_from(self) -> tuple[int, Sequence[str]]:
        """See `Row`."""
        return self.answer_index, self.options


def read(path: Path, kind: type[Row]) -> list[Row]:
    """All rows of a file; an error names the first line that is none."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    found = [
        _row(line, kind, f"{path}: line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not found:
        raise InputError(f"{path}: has no rows")
    return found


def _row(line: bytes, kind: type[Row], where: str) -> Row:
    try:
        row = msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        fields = ", ".join(kind.__struct_fields__)
        raise InputError(f"{where}: {error}; rows of this task have {fields}") from error
    right, options = row.chosen_from()
    if not 0 <= right < len(options):
        raise InputError(f"{where}: option {right} is right, of {len(options)} from 0 on")
    return row
