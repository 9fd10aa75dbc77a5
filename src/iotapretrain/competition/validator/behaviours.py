"""What models did on tokens that nobody else knows: a copy in disguise does what the original did.

A competition has one file: rows that a secret salt drew from the text of the first round that had
enough, and what each model since has lost on every token of them. Whoever comes later and loses the
same is refused. A lost file is begun anew; copies of models that come no more then go unseen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import msgspec

from iotapretrain.competition.evaluation.contender import Evaluated, Judged, Terms
from iotapretrain.competition.evaluation.excerpts import Rows, secret_rows
from iotapretrain.competition.evaluation.round_pages import RoundPages
from iotapretrain.data.outcome import RoundText
from iotapretrain.disk.whole_files import PRIVATE, private_folder, write_whole
from iotapretrain.models.copies import LEAST_TOKENS, SAME_LOSS, behaviour_distance
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.validator.state import Origin

MOST_BEHAVIOURS = 1_000
"""A competition keeps so many, those that were last in a round: ten kilobytes each."""


class ModelBehaviour(msgspec.Struct, frozen=True):
    """What one model did, and the earliest commitment to it."""

    digest: str
    block: int
    hotkey: str
    losses: tuple[float, ...]

    @property
    def origin(self) -> Origin:
        return Origin(self.block, self.hotkey)


class _Book(msgspec.Struct, frozen=True):
    """All that is known of a competition, as long as its models are read in the same way."""

    read_as: str
    rows: Rows
    models: tuple[ModelBehaviour, ...] = ()


class Behaviours:
    """The files below one folder, which is its owner's alone; used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, text: RoundText, terms: Terms, salt: int) -> Rows | None:
        """The competition's rows, drawn now if there are none; None if this text is too short."""
        if (book := self._book(terms)) is not None:
            return book.rows
        rows = secret_rows(RoundPages.of(text, terms).pages, terms, salt)
        if sum(len(row) - 1 for row in rows) < LEAST_TOKENS:
            return None
        self._keep(terms, _Book(_read_as(terms), rows))
        return rows

    def copies(self, evaluated: Evaluated, terms: Terms) -> dict[str, Finding]:
        """By hotkey, who does what somebody did before; from now on the others are known.

        Whoever committed earlier is compared with first, so that a round that is repeated finds
        the same.
        """
        book = self._book(terms)
        if book is None:
            return {}
        known = {each.digest: each for each in book.models}
        found: dict[str, Finding] = {}
        for ours in sorted(_behaved(evaluated.models), key=lambda each: each.origin):
            if (finding := find_disguised(ours, known.values())) is not None:
                found[ours.hotkey] = finding
                continue
            before = known.pop(ours.digest, ours)  # the newest stand last
            known[ours.digest] = min(before, ours, key=lambda each: each.origin)
        models = tuple(known.values())[-MOST_BEHAVIOURS:]
        if models != book.models:
            self._keep(terms, _Book(book.read_as, book.rows, models))
        return found

    def _book(self, terms: Terms) -> _Book | None:
        path = self._path(terms)
        try:
            book = msgspec.msgpack.decode(path.read_bytes(), type=_Book)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            path.unlink()  # damaged: who still takes part is compared again in the next round
            return None
        return book if book.read_as == _read_as(terms) else None

    def _keep(self, terms: Terms, book: _Book) -> None:
        private_folder(self._folder)
        write_whole(self._path(terms), msgspec.msgpack.encode(book), PRIVATE)

    def _path(self, terms: Terms) -> Path:
        return self._folder / f"{terms.competition.id}.behaviours"


def find_disguised(ours: ModelBehaviour, known: Iterable[ModelBehaviour]) -> Finding | None:
    """Whose model this is, if it does what models do of which somebody else's was the first.

    An owner who commits anew, after others copied, is still the first.
    """
    distances = {each: behaviour_distance(ours.losses, each.losses) for each in known}
    alike = [each for each, distance in distances.items() if distance <= SAME_LOSS]
    first = min(alike, key=lambda each: each.origin, default=ours)
    if first.hotkey == ours.hotkey or ours.origin <= first.origin:
        return None
    return Finding(
        Code.NEAR_COPY,
        f"loses within {distances[first]:.1g} nats a token what the model loses that {first.hotkey}"
        f" committed at block {first.block}; at most {SAME_LOSS:g} apart is the same model",
        first.hotkey,
    )


def _behaved(models: Iterable[Judged]) -> Iterable[ModelBehaviour]:
    for judged in models:
        model, did = judged.record, judged.behaviour
        if model.outcome == Outcome.EVALUATED and did and all(map(math.isfinite, did)):
            yield ModelBehaviour(model.digest or "", model.block, model.hotkey, did)


def _read_as(terms: Terms) -> str:
    """What must stay for losses to compare."""
    given = terms.competition.constraints
    return f"{given.tokenizer} of {terms.vocabulary} in {given.dtype} x {given.sequence_length}"
