"""Which text the checks of a round read: drawn from all of its pages, when the field is fixed.

The round's seed draws, which nobody knew when committing, so that a model cannot be honest on just
what is looked at. An end token, the round's rarest token and both edges of a page are always among
what several rows are drawn for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from iotapretrain.competition.evaluation.contender import Terms
from iotapretrain.competition.evaluation.round_pages import ScoredPage
from iotapretrain.data.documents import digest_of
from iotapretrain.models.trainable.training import Recipe
from iotapretrain.rules.competition.sensible_output import PROMPT_TOKENS

DOMAIN = "iotapretrain/checked rows/1"
PROMPTS = 8
"""Four pairs: an honest model of a minute's training fails in one of three."""

TOLD_APART_ROWS, TOLD_APART_TOKENS = 8, 128
"""A thousand tokens: a median over the harder half of them is known within a tenth."""

Rows = list[list[int]]
Places = npt.NDArray[np.int64]
"""[occurrence, (sequence, position)]."""


def checked_rows(pages: Sequence[ScoredPage], terms: Terms) -> Mapping[str, Rows]:
    """By the name of a check, the rows that it reads."""
    recipe = Recipe()
    sheet = Sheet.of(pages, terms)
    rows = {
        "sanity": sheet.excerpts("sanity", PROMPTS, PROMPT_TOKENS),
        "probe": sheet.excerpts("probe", recipe.rows, recipe.length),
        "exact": sheet.sequences("exact"),
        "causality": sheet.excerpts("causality", 1, sheet.tokens.shape[1]),
    }
    if terms.behaviour is not None:
        rows["behaviour"] = [list(row) for row in terms.behaviour]
    return rows


def secret_rows(pages: Sequence[ScoredPage], terms: Terms, salt: int) -> Rows:
    """Stretches that only who knows the salt can tell, whatever the round's seed is."""
    sheet = Sheet.of(pages, replace(terms, seed=salt))
    return sheet.excerpts("behaviour", TOLD_APART_ROWS, TOLD_APART_TOKENS)


@dataclass(frozen=True, eq=False)
class Sheet:
    """All sequences of a round under each other: their tokens, which of them count, the task of
    each, and which ones begin or end a page.
    """

    tokens: npt.NDArray[np.int32]
    counted: npt.NDArray[np.bool_]
    tasks: tuple[str, ...]
    firsts: tuple[int, ...]
    lasts: tuple[int, ...]
    terms: Terms

    @classmethod
    def of(cls, pages: Sequence[ScoredPage], terms: Terms) -> Sheet:
        tokens = np.concatenate([np.array(page.ids, dtype=np.int32) for page in pages])
        counted = [
            np.ones(np.shape(page.ids), dtype=bool) if page.counted is None else page.counted
            for page in pages
        ]
        ends = np.cumsum([len(page.ids) for page in pages]).tolist()
        return cls(
            tokens,
            np.concatenate([np.asarray(mask, dtype=bool) for mask in counted]),
            tuple(page.task for page in pages for _ in page.ids),
            (0, *ends[:-1]),
            tuple(end - 1 for end in ends),
            terms,
        )

    def excerpts(self, check: str, count: int, width: int) -> Rows:
        """At most `count` stretches of `width` tokens, each from another sequence."""
        draw = self._lots(check)
        width = min(width, self.tokens.shape[1])
        taken: dict[int, list[int]] = {}
        for places in self._wishes(draw) if count > 1 else ():
            left = places[~np.isin(places[:, 0], list(taken))]
            if len(left) and len(taken) < count:
                row, place = left[draw(len(left))].tolist()
                taken[row] = self._around(row, place, width, draw)
        for row in self._shuffled(draw):
            if len(taken) >= count:
                break
            if row not in taken:
                start = draw(self.tokens.shape[1] - width + 1)
                taken[row] = self.tokens[row, start : start + width].tolist()
        return list(taken.values())

    def sequences(self, check: str) -> Rows:
        """A whole sequence of each task; and one with an end token, if none of them has any."""
        draw = self._lots(check)
        drawn = []
        for task in dict.fromkeys(self.tasks):
            own = [row for row, of in enumerate(self.tasks) if of == task]
            drawn.append(own[draw(len(own))])
        ending = self._ends()[:, 0]
        if len(ending) and not np.isin(drawn, ending).any():
            drawn.append(int(ending[draw(len(ending))]))
        return [self.tokens[row].tolist() for row in drawn]

    def _wishes(self, draw: Callable[[int], int]) -> Iterator[Places]:
        """Where an end token stands, where the rarest token does, where pages begin and end."""
        yield self._ends()
        known, counts = np.unique(self.tokens[self.counted], return_counts=True)
        rarest = known[counts == counts.min()]
        yield np.argwhere((self.tokens == rarest[draw(len(rarest))]) & self.counted)
        yield np.array([(row, 0) for row in self.firsts])
        yield np.array([(row, self.tokens.shape[1] - 1) for row in self.lasts])

    def _ends(self) -> Places:
        return np.argwhere((self.tokens == self.terms.end) & self.counted)

    def _around(self, row: int, place: int, width: int, draw: Callable[[int], int]) -> list[int]:
        """A stretch of the sequence that holds this place."""
        first = max(place - width + 1, 0)
        start = first + draw(min(place, self.tokens.shape[1] - width) - first + 1)
        return [int(token) for token in self.tokens[row, start : start + width]]

    def _shuffled(self, draw: Callable[[int], int]) -> Iterator[int]:
        left = list(range(len(self.tokens)))
        while left:
            chosen = draw(len(left))
            left[chosen], left[-1] = left[-1], left[chosen]
            yield left.pop()

    def _lots(self, check: str) -> Callable[[int], int]:
        """Draws below a bound, one after the other, that follow from seed and competition."""
        parts = (DOMAIN, check, str(self.terms.seed), str(self.terms.competition.id))
        drawn = 0

        def draw(bound: int) -> int:
            nonlocal drawn
            drawn += 1
            return int(digest_of(*parts, str(drawn))[:32], 16) % bound

        return draw
