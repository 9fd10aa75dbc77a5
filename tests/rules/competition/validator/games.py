"""A subnet in words, for tests of a validator's rules: who stands, what is found, how it scores."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.commitment import Commitment
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import (
    Blocks,
    Competition,
    Constraints,
    Schedule,
    TextTask,
)
from iotapretrain.rules.competition.tournament import RoundRules
from iotapretrain.rules.competition.validator.apply import apply
from iotapretrain.rules.competition.validator.decide import Command, Sync, decide
from iotapretrain.rules.competition.validator.inspection_queue import due
from iotapretrain.rules.competition.validator.journal_records import (
    Attempt,
    Begun,
    Looked,
    Record,
    RoundClosed,
    RoundGivenUp,
    RoundOpened,
)
from iotapretrain.rules.competition.validator.judgement import does_not_count, judge
from iotapretrain.rules.competition.validator.misses import missed_by
from iotapretrain.rules.competition.validator.round_queue import opening, turns
from iotapretrain.rules.competition.validator.state import State
from iotapretrain.rules.competition.validator.subnet_view import Candidate, View

CADENCE, DELAY = 10, 20
ALWAYS = Blocks(0)
CONSTRAINTS = Constraints(0, 10**9, 128, "bytes", 10**9, frozenset({"LlamaForCausalLM"}))
TASK = TextTask(name="PROSE", weight=1.0, dataset="python-docs", pages=1)
RULES = RoundRules(Fixed(0.01))


def competition(
    number: int, share: float, models: int | None = None, blocks: Blocks = ALWAYS
) -> Competition:
    return Competition(
        id=number,
        name=f"competition-{number}",
        blocks=blocks,
        share=share,
        models=number if models is None else models,
        constraints=CONSTRAINTS,
        tasks=(TASK,),
        rules=RULES,
        eval_block_delay=DELAY,
    )


TWO = Schedule((competition(0, 0.6), competition(1, 0.4)), sync_cadence=CADENCE)


def commitment(model: str, number: int = 0) -> Commitment:
    """A commitment to a model of this name."""
    digest = hashlib.sha256(model.encode()).digest()
    return Commitment("who", model, digest.hex()[:40], base64.b64encode(digest).decode(), number)


@dataclass
class Game:
    """A validator without a world: tests say what it sees and finds."""

    schedule: Schedule = TWO
    state: State = field(default_factory=State)
    journal: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.do(Begun("1.0.0", 7))

    def do(self, command: Command) -> list[Record]:
        records = decide(self.state, command)
        for record in records:
            self.state = apply(self.state, record)
            self.journal.append(record)
        return records

    def see(self, block: int, stands: Mapping[str, tuple[int, Commitment]], **more: object) -> View:
        """Everybody who stands is registered, with uids in the order given."""
        uids = {hotkey: uid for uid, hotkey in enumerate(stands)}
        texts = {hotkey: (since, made.text) for hotkey, (since, made) in stands.items()}
        view = View.of(block, f"{block:064x}", uids, texts, **more)  # type: ignore[arg-type]
        self.do(Sync(view))
        return view

    def look(
        self, view: View, outcomes: Mapping[str, Outcome] | None = None, models: int = 0
    ) -> list[str]:
        """Look at whatever is due: content is named by the model's name. The hotkeys looked at."""
        waiting = due(self.state, view, self.schedule, models)
        for candidate in waiting:
            outcome = (outcomes or {}).get(candidate.hotkey, Outcome.EVALUATED)
            self.do(found(candidate, view.block, outcome))
        return [candidate.hotkey for candidate in waiting]

    def open(self, view: View, number: int = 0) -> RoundOpened | None:
        (chosen,) = [each for each in self.schedule.running(view.block) if each.id == number]
        opened = opening(self.state, view, self.schedule, chosen)
        if opened is not None:
            self.do(opened)
        return opened

    def close(
        self, scores: Mapping[str, float | Outcome], opened: RoundOpened | None = None
    ) -> RoundClosed | None:
        """Decide the open round by scores; None, and given up, if it does not count."""
        opened = opened or self.state.opened
        assert opened is not None
        attempts = [attempt(entry.hotkey, scores[entry.hotkey]) for entry in opened.field]
        if (reason := does_not_count(self.state, opened, attempts)) is not None:
            self.do(RoundGivenUp(opened.round, reason, missed_by(attempts)))
            return None
        (chosen,) = [c for c in self.schedule.competitions if c.id == opened.competition]
        field = played(opened, scores)
        decided, _ = judge(self.state, opened, self.schedule, chosen, field, attempts)
        self.do(replace(decided, digest=f"digest of round {opened.round}"))
        return decided

    def play(
        self,
        block: int,
        stands: Mapping[str, tuple[int, Commitment]],
        scores: Mapping[str, float | Outcome],
        number: int = 0,
    ) -> RoundClosed | None:
        """See, look, open and close at one sync block."""
        view = self.see(block, stands)
        self.look(view, models=number)
        assert self.open(view, number) is not None
        return self.close(scores)

    def turns(self, view: View) -> list[int]:
        return [each.id for each in turns(self.state, view, self.schedule)]


def found(
    candidate: Candidate,
    at: int,
    outcome: Outcome = Outcome.EVALUATED,
    content: str | None = None,
    alike: Iterable[str] = (),
) -> Looked:
    """What a look brings: the content is the model's name, unless it is said to be other."""
    made = candidate.commitment
    digests = (content or made.name,) if outcome is Outcome.EVALUATED else ()
    return Looked(
        candidate.hotkey, candidate.block, made.text, at, outcome, (), digests, tuple(alike)
    )


def attempt(hotkey: str, score: float | Outcome) -> Attempt:
    if isinstance(score, Outcome):
        return Attempt(hotkey, score)
    return Attempt(hotkey, Outcome.EVALUATED, score)


def played(opened: RoundOpened, scores: Mapping[str, float | Outcome]) -> Field:
    def number(score: float | Outcome) -> float:
        if isinstance(score, Outcome):
            return float("nan") if score is Outcome.INFRASTRUCTURE else float("inf")
        return score

    return Field.of(
        [entry.uid for entry in opened.field],
        [entry.block for entry in opened.field],
        scores=[number(scores[entry.hotkey]) for entry in opened.field],
        digests=[entry.digest for entry in opened.field],
    )
