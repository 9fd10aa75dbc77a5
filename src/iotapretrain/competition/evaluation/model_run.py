"""What is known of one model while its round is scored, and what its losses are kept under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from iotapretrain.competition.evaluation.contender import Contender, Terms
from iotapretrain.competition.evaluation.round_pages import RoundPages
from iotapretrain.data.documents import digest_of
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.sensible_output import PROMPT_TOKENS
from iotapretrain.scoring.jobs import Failure, Job, Rows
from iotapretrain.scoring.loss_cache import scoring_code

TRIES = 2
"""How often work is given out before the infrastructure's failure counts for the round."""
PAIR = 2
BEHAVIOUR = "behaviour"
LARGEST_SEED = 2**63
FINAL = frozenset({Code.FORGED, Code.LOOKS_AHEAD})
"""What the bytes decide, on whatever text."""


@dataclass(frozen=True)
class Part:
    """Some pages of one model that are scored together; `checks` names what else is looked at."""

    run: Run
    pages: tuple[int, ...]
    checks: frozenset[str] = frozenset()

    def pieces(self, count: int) -> list[Part]:
        """The same work in at most `count` pieces; the checks stay with the first."""
        size = max(-(-len(self.pages) // count), 1)
        first = Part(self.run, self.pages[:size], self.checks)
        later = range(size, len(self.pages), size)
        return [first, *(Part(self.run, self.pages[start : start + size]) for start in later)]


@dataclass(eq=False)
class Run:
    """One model on its way through the round; `losses` are NaN where they are not known."""

    contender: Contender
    round: RoundPages
    terms: Terms
    rows: Mapping[str, Rows]
    unchecked: set[str]
    losses: FloatArray = field(init=False)
    behaviour: tuple[float, ...] = ()
    failure: Failure | None = None
    tries: int = 0

    def __post_init__(self) -> None:
        self.losses = np.full(len(self.round.pages), np.nan)
        prompts = self.rows["sanity"]
        if len(prompts) < PAIR or len(prompts[0]) < PROMPT_TOKENS:
            self.unchecked.discard("sanity")  # too little text to judge a continuation by

    def missing(self, pages: Sequence[int]) -> Part:
        """What is not known yet of these pages, and of the checks."""
        unknown = tuple(page for page in pages if np.isnan(self.losses[page]))
        return Part(self, unknown, frozenset(self.unchecked))

    def job(self, number: int, part: Part) -> Job:
        pages = [self.round.pages[page] for page in part.pages]
        rows = {check: self.rows[check] for check in part.checks}
        return Job(
            number=number,
            folder=self.contender.folder,
            limits=Limits(self.terms.competition.constraints, self.terms.vocabulary),
            pages=[page.ids for page in pages],
            counted=[page.counted for page in pages],
            prompts=rows.get("sanity"),
            probe=rows.get("probe"),
            exact=rows.get("exact"),
            causality=rows.get("causality"),
            behaviour=rows.get(BEHAVIOUR),
            seed=self.terms.seed % LARGEST_SEED,
        )

    def keys(self, part: Part) -> dict[str, str | int]:
        """Under which key each page, by number, and each check, by name, is kept.

        What a model does on the same tokens is the same in every round.
        """
        fixed = (
            self.contender.digest,
            self.terms.competition.constraints.dtype,
            scoring_code(),
        )
        keys: dict[str, str | int] = {
            digest_of("loss", *fixed, self.round.pages[page].digest): page for page in part.pages
        }
        for check in part.checks:
            rows = msgspec.json.encode(self.rows[check])
            seed = "" if check == BEHAVIOUR else str(self.terms.seed)
            keys[digest_of(check, *fixed, seed, rows)] = check
        return keys

    def learn(self, known: Mapping[str | int, Any]) -> None:
        """Losses by page number, findings by check; the model's own failure if one is bad.

        In an order of their own: that of a set would be another in every process.
        """
        for what, value in sorted(known.items(), key=lambda pair: str(pair[0])):
            if isinstance(what, int):
                self._learn_loss(what, value)
                continue
            self.unchecked.discard(what)
            if what == BEHAVIOUR:
                self.behaviour = tuple(np.nan if loss is None else loss for loss in value)
            else:
                self._learn_findings(msgspec.convert(value, list[Finding]))

    def _learn_findings(self, findings: Sequence[Finding]) -> None:
        """Of several failures the final one counts, else the first."""
        for finding in findings:
            final = finding.code in FINAL
            if self.failure is None or (final and self.failure.finding.code not in FINAL):
                outcome = Outcome.INADMISSIBLE if final else Outcome.MODEL
                self.failure = Failure(outcome, finding)

    @property
    def alone(self) -> bool:
        """Whether it had no answer the last time: what it met then may have been the others."""
        return self.contender.alone or self.tries > 0

    @property
    def pages_scored(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.losses)))

    def fail(self, failure: Failure, tries: int) -> None:
        """The infrastructure's failures count only when they happen again, after `tries` before:
        pieces that were given out at once are one try.
        """
        self.tries = tries + 1
        if failure.outcome is not Outcome.INFRASTRUCTURE or self.tries >= TRIES:
            self.failure = failure

    def _learn_loss(self, page: int, loss: float | None) -> None:
        if loss is not None and np.isfinite(loss):
            self.losses[page] = loss
            return
        where = self.round.pages[page]
        sentence = f"its loss on page {where.place} of {where.task} is no finite number"
        self.failure = Failure(Outcome.MODEL, Finding(Code.NOT_FINITE, sentence, "loss"))
