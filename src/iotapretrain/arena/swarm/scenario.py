"""What happens to a simulated swarm, said as a sentence.

Scenario(miners=6, epochs=5).kill("orchestrator", back=20).at_record(57)
Scenario().vanish("miner-1").at_epoch(3).cut("miner-2", "miner-3", since=60, until=90)
Scenario().made("miner-4", "skips steps").slow("miner-2", 5).churn(0.2)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from iotapretrain.arena.swarm.memory_log import OFFICE
from iotapretrain.arena.swarm.memory_parts import STORE
from iotapretrain.arena.swarm.participants import KINDS
from iotapretrain.arena.swarm.weather import FOREVER, Chance, Cut, Weather
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.log.swarm_state import SwarmTerms

What = Literal["kill", "leave", "join"]
When = Literal["record", "epoch", "second"]


@dataclass(frozen=True)
class Fault:
    """Something that happens to somebody once; `back` seconds later it is there again, if at all.

    An epoch is the first that any stage opens.
    """

    what: What
    who: str
    when: When = "second"
    value: float = 0.0
    after: float = 0.0
    back: float = FOREVER
    wiped: bool = False


@dataclass(frozen=True)
class Scenario:
    """Who is there, what they are, and what happens; ends with an epoch or a time."""

    miners: int = 6
    validators: int = 2
    stages: int = 2
    epochs: int = 4
    hours: float = 24.0
    seed: int = 0
    sample_seconds: float = 1.0
    samples: int = 16
    samples_a_step: int = 4
    code: str = "2bit"
    phases: Literal["ours", "iota"] = "ours"
    weather: Weather = field(default_factory=Weather)
    cuts: tuple[Cut, ...] = ()
    faults: tuple[Fault, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    slowness: Mapping[str, float] = field(default_factory=dict)
    skews: Mapping[str, int] = field(default_factory=dict)
    more: Mapping[str, float | int | str] = field(default_factory=dict)
    """Terms of the run that differ from `terms`."""

    def __post_init__(self) -> None:
        unknown = sorted({*self.kinds.values()} - KINDS.keys())
        if unknown or min(self.miners, self.stages, self.epochs) < 1 or self.hours <= 0:
            raise InputError(f"scenario: no kind {unknown}, or no miners, stages, epochs or time")

    @property
    def terms(self) -> SwarmTerms:
        """The run's: waits are short, since samples take a second."""
        usual = {"hop": 15_000, "train": 300_000, "announce": 30_000, "publish": 60_000}
        usual |= {"agree": 60_000, "grace": 10_000, "silence": 30_000, "evidence": 120_000}
        given = {**usual, "slots": 8, **self.more}
        # names and kinds of `more` are the caller's: SwarmTerms refuses what it does not know
        return replace(SwarmTerms(self.stages, self.samples), **given)  # type: ignore[arg-type]

    @property
    def names(self) -> list[str]:
        """The miners that are there from the beginning."""
        return [f"miner-{number}" for number in range(self.miners)]

    # --- what happens -----------------------------------------------------------------------------

    def kill(self, who: str, back: float = 10.0, wiped: bool = False) -> Unscheduled:
        """Its process ends in the middle of what it does, and begins again with its disk."""
        return Unscheduled(self, Fault("kill", who, back=back, wiped=wiped))

    def vanish(self, who: str) -> Unscheduled:
        """Gone, without a word, for good."""
        return Unscheduled(self, Fault("kill", who))

    def leave(self, who: str, back: float = FOREVER) -> Unscheduled:
        """It says so, and its work enters a merge."""
        return Unscheduled(self, Fault("leave", who, back=back))

    def join(self, who: str) -> Unscheduled:
        """Somebody new."""
        return Unscheduled(self, Fault("join", who))

    def cut(self, one: str, other: str, since: float = 0, until: float = FOREVER) -> Scenario:
        """Nothing goes between the two."""
        return self._with_cuts(Cut(frozenset({one}), frozenset({other}), since, until))

    def partition(
        self, groups: Iterable[Iterable[str]], since: float = 0, until: float = FOREVER
    ) -> Scenario:
        """Nothing leaves a group."""
        cuts = (Cut(frozenset(group), frozenset(), since, until) for group in groups)
        return self._with_cuts(*cuts)

    def _with_cuts(self, *cuts: Cut) -> Scenario:
        return replace(self, cuts=(*self.cuts, *cuts))

    def slow(self, who: str, times: float) -> Scenario:
        """Its machine takes so many times as long."""
        return replace(self, slowness={**self.slowness, who: times})

    def made(self, who: str, kind: str) -> Scenario:
        """It is one of the kinds of `participants.py`."""
        return replace(self, kinds={**self.kinds, who: kind})

    def churn(self, share: float) -> Scenario:
        """Each epoch such a share of the miners goes.

        Half of them says so, and comes back or is replaced; half is killed, and has its disk.
        """
        chance, scenario, crowd = Chance(self.seed, "churn"), self, self.names
        for epoch in range(1, self.epochs):
            for place, who in enumerate(crowd):
                if not chance.happens(share):
                    continue
                after, back, way = (60 * chance.number(), 5 + 60 * chance.number(), chance.below(4))
                if way == 0:
                    crowd[place] = f"{who}+"
                    scenario = scenario.leave(who).at_epoch(epoch, after)
                    scenario = scenario.join(crowd[place]).at_epoch(epoch, after + back)
                else:
                    end = scenario.leave if way == 1 else scenario.kill
                    scenario = end(who, back=back).at_epoch(epoch, after)
        return scenario


@dataclass(frozen=True)
class Unscheduled:
    """When something happens: the end of a sentence, and the scenario with it."""

    scenario: Scenario
    fault: Fault

    def at_record(self, number: int) -> Scenario:
        """As soon as the log has that many records."""
        return self._at("record", number, 0)

    def at_epoch(self, epoch: int, after: float = 0) -> Scenario:
        """So many seconds after the first stage opens that epoch."""
        return self._at("epoch", epoch, after)

    def at_second(self, second: float) -> Scenario:
        """At that moment."""
        return self._at("second", second, 0)

    def _at(self, when: When, value: float, after: float) -> Scenario:
        fault = replace(self.fault, when=when, value=value, after=after)
        return replace(self.scenario, faults=(*self.scenario.faults, fault))


def random_scenario(seed: int, miners: int = 8, epochs: int = 5) -> Scenario:
    """Bad weather, 20 % churn, kills of every role at any record, partitions: all of one seed."""
    chance = Chance(seed, "scenario")
    weather = Weather(0.02, 0.1 + chance.number(), 0.03 * chance.number(), 0.05 * chance.number())
    scenario = Scenario(miners=miners, epochs=epochs, seed=seed, weather=weather).churn(0.2)
    scenario = replace(scenario, code=("2bit", "bf16")[chance.below(2)])
    for who in (OFFICE, OFFICE, "validator-0", *scenario.names[:3]):
        record = 10 + chance.below(300 * epochs)
        scenario = scenario.kill(who, back=1 + 40 * chance.number()).at_record(record)
    for name in scenario.names:
        skew = chance.below(240_000) - 120_000
        scenario = replace(scenario, skews={**scenario.skews, name: skew})
    since = 60 + 300 * chance.number()
    apart = [scenario.names[chance.below(miners)] for _ in range(2)]
    until = since + 100 * chance.number()
    scenario = scenario.partition([apart], since, until)
    scenario = scenario.cut(scenario.names[2], scenario.names[3], until, until + 120)
    return scenario.cut(scenario.names[4], STORE, until, until + 30)
