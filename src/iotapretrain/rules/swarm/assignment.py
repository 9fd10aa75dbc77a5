"""Which stage a miner gets: the scarcest stage is to be as fast as it can be (specification 5.1).

A stage's capacity is the sum of its members' measured samples a second; the swarm is as fast as the
smallest. Newcomers are placed, members are moved: only at an epoch's edge, where this is called,
and only if what is moved raises the minimum by more than a tenth, since whoever moves fetches a new
base; but a stage that has fewer than two members gets them whatever that gains. The best division
is a hard problem; largest first, and then single moves and swaps, is near.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import fsum

from iotapretrain.errors import InputError

LEAST_MEMBERS = 2
"""A merge needs two."""
HYSTERESIS = 1.1
ROUNDING = 1e-9
"""What is gained by less is no gain: sums of floats would go in circles over it."""

_NOBODY = ""


@dataclass(frozen=True)
class MeasuredMiner:
    """A miner as measured: samples a second, and the stage it has, None for a newcomer."""

    speed: float
    stage: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.speed < float("inf") or (self.stage is not None and self.stage < 0):
            raise InputError(
                f"machine of {self.speed} samples a second in stage {self.stage};"
                " give more than 0, and a stage from 0"
            )


def assign(machines: Mapping[str, MeasuredMiner], stages: int) -> dict[str, int]:
    """The stage of every miner, by hotkey, for the epoch that opens; the same for any order."""
    if stages < 1 or any((each.stage or 0) >= stages for each in machines.values()):
        raise InputError(f"{stages} stages; give 1 or more, and machines in no other stage")
    division = _Division(stages)
    newcomers = []
    for hotkey, machine in machines.items():
        if machine.stage is None:
            newcomers.append((-machine.speed, hotkey))
        else:
            division.put(hotkey, machine.speed, machine.stage)
    for slowness, hotkey in sorted(newcomers):
        division.put(hotkey, -slowness, division.neediest())
    division.complete()
    division.improve()
    return {hotkey: division.stage_of[hotkey] for hotkey in sorted(machines)}


@dataclass(frozen=True)
class _Exchange:
    """A miner that would come to the scarcest stage, and who would go there in return."""

    minimum: float
    comes: str
    goes: str
    source: int


class _Division:
    """Who is where, and how fast each stage is with them."""

    def __init__(self, stages: int) -> None:
        self.members: list[dict[str, float]] = [{} for _ in range(stages)]
        self.stage_of: dict[str, int] = {}
        self.stages = range(stages)

    def capacity(self, stage: int) -> float:
        return fsum(self.members[stage].values())  # the same for any order and Python

    def put(self, hotkey: str, speed: float, stage: int) -> None:
        self.members[stage][hotkey] = speed
        self.stage_of[hotkey] = stage

    def scarcest(self) -> int:
        return min(self.stages, key=self.capacity)

    def neediest(self) -> int:
        """Where a newcomer goes: to a stage without two members, then to the scarcest."""
        sizes = [min(len(each), LEAST_MEMBERS) for each in self.members]
        return min(self.stages, key=lambda stage: (sizes[stage], self.capacity(stage)))

    def complete(self) -> None:
        """A stage without two members gets them, whatever that gains: else it cannot merge."""
        while short := [n for n in self.stages if len(self.members[n]) < LEAST_MEMBERS]:
            rich = [n for n in self.stages if len(self.members[n]) > LEAST_MEMBERS]
            if not rich:
                return
            source = self.members[max(rich, key=self.capacity)]
            self._move(min(source, key=lambda hotkey: (source[hotkey], hotkey)), short[0])

    def improve(self) -> None:
        """Move while each round of moves raises the minimum by more than a tenth."""
        while self._round():
            pass

    def _round(self) -> bool:
        before = self.capacity(self.scarcest())
        done: list[tuple[str, int]] = []
        while exchange := self._best_exchange():
            target = self.scarcest()
            for hotkey, stage in ((exchange.comes, target), (exchange.goes, exchange.source)):
                if hotkey != _NOBODY:
                    done.append((hotkey, self.stage_of[hotkey]))
                    self._move(hotkey, stage)
            if self.capacity(self.scarcest()) > HYSTERESIS * before:
                return True
        for hotkey, stage in reversed(done):
            self._move(hotkey, stage)
        return False

    def _best_exchange(self) -> _Exchange | None:
        """What raises the scarcest stage most without making another as scarce, if anything."""
        target = self.scarcest()
        lowest = self.capacity(target)
        staying = [(0.0, _NOBODY), *sorted((v, k) for k, v in self.members[target].items())]
        sources = (stage for stage in self.stages if stage != target)
        found = [each for stage in sources for each in self._offers(stage, lowest, staying)]
        best = max(found, key=lambda each: (each.minimum, each.comes, each.goes), default=None)
        return best if best is not None and best.minimum > lowest * (1 + ROUNDING) else None

    def _offers(
        self, source: int, lowest: float, staying: list[tuple[float, str]]
    ) -> Iterator[_Exchange]:
        """For each member of a stage the exchange that brings the two stages nearest."""
        held = self.capacity(source)
        for comes, speed in self.members[source].items():
            place = bisect_left(staying, (speed - (held - lowest) / 2, _NOBODY))
            for returned, goes in staying[max(place - 1, 0) : place + 1]:
                if goes == _NOBODY and len(self.members[source]) <= LEAST_MEMBERS:
                    continue
                gain = speed - returned
                yield _Exchange(min(held - gain, lowest + gain), comes, goes, source)

    def _move(self, hotkey: str, stage: int) -> None:
        self.put(hotkey, self.members[self.stage_of[hotkey]].pop(hotkey), stage)
