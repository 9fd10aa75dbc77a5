"""The order in which the pages of a round are scored, and when the race is looked at.

A page's place is drawn from the seed; every task advances at the same pace, so that whatever has
been scored so far is a small image of the round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import IntArray
from iotapretrain.rules.sampling import Stream, shuffled

FIRST_SHARE = 1 / 8
"""No model is judged on less of the round."""
LEAST_FREE = 5
"""Nor on fewer pages beyond the first of every task: they tell how pages scatter."""
GROWTH = 1.3
"""Each look sees so many times the pages of the one before."""


@dataclass(frozen=True, eq=False)
class PagePlan:
    """The pages of a round, task after task: each one's task and its number of sequences.

    A model's score is the mean over tasks, weighted by `weights`, of its mean over sequences.
    `order` lists the pages as they are scored.
    """

    tasks: IntArray
    sequences: FloatArray
    weights: FloatArray
    order: IntArray

    @classmethod
    def of(
        cls,
        seed: int,
        competition: int,
        tasks: Sequence[tuple[str, float, Sequence[int]]],
    ) -> PagePlan:
        """From each task's name, weight and sequences by page; pages must not be empty."""
        if not tasks or not all(pages and min(pages) > 0 for _, _, pages in tasks):
            raise InputError(
                "race: a task without pages, or a page without sequences; leave it out"
            )
        total = math.fsum(weight for _, weight, _ in tasks)
        places: list[tuple[float, int, int]] = []
        first = 0
        for number, (name, _, pages) in enumerate(tasks):
            drawn = shuffled(Stream.of(seed, "race", competition, name), len(pages))
            for place, page in enumerate(drawn.tolist()):
                due = (place + 0.5) / len(pages) if place else 0.0
                places.append((due, number, first + page))
            first += len(pages)
        return cls(
            np.repeat(np.arange(len(tasks)), [len(pages) for _, _, pages in tasks]),
            np.array([count for _, _, pages in tasks for count in pages], dtype=np.float64),
            np.array([weight / total for _, weight, _ in tasks]),
            np.array([page for _, _, page in sorted(places)], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.tasks)

    @cached_property
    def looks(self) -> tuple[int, ...]:
        """How many pages have been scored each time the race is looked at; the last is all."""
        due = max(FIRST_SHARE * len(self), len(self.weights) + LEAST_FREE)
        looks: list[int] = []
        while (look := math.ceil(due)) < len(self):
            looks.append(look)
            due *= GROWTH
        return (*looks, len(self))

    @cached_property
    def totals(self) -> FloatArray:
        """Sequences of each task."""
        return np.bincount(self.tasks, self.sequences, len(self.weights)).astype(np.float64)

    @cached_property
    def shares(self) -> FloatArray:
        """What each page's loss counts in the score; they sum to 1."""
        return np.asarray((self.weights / self.totals)[self.tasks] * self.sequences)

    def task_means(self, losses: FloatArray, seen: IntArray) -> FloatArray:
        """Each model's mean loss over the sequences of the pages `seen`, task by task."""
        counts = self.sequences[seen]
        of_task = self.tasks[seen] == np.arange(len(self.weights))[:, np.newaxis]
        shares = of_task * counts
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray(losses[..., seen] @ shares.T)
