"""Which stage a miner gets: the scarcest stage is to be as fast as it can be (specification 5.1).

A stage's capacity is the sum of its members' measured samples a second; the swarm is as fast as the
smallest. Newcomers are placed, members are moved: only at an epoch's edge, where this is called,
and only if what is moved raises the minimum by more than a tenth, since whoever moves fetches a new
base. The best division is a hard problem; largest first, and then single moves and swaps, is near.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from iotapretrain.errors import InputError

LEAST_MEMBERS = 2
"""A merge needs two."""
HYSTERESIS = 1.1

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
    for hotkey, machine in sorted(machines.items(), key=lambda each: (-each[1].speed, each[0])):
        if machine.stage is not None:
            division.put(hotkey, machine.speed, machine.stage)
    for hotkey, machine in sorted(machines.items(), key=lambda each: (-each[1].speed, each[0])):
        if machine.stage is None:
            division.put(hotkey, machine.speed, division.neediest())
    division.improve()
    return {hotkey: division.stage_of[hotkey] for hotkey in sorted(machines)}


@dataclass(frozen=True, order=True)
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

    def capacity(self, stage: int) -> float:
        return sum(sorted(self.members[stage].values()))

    def put(self, hotkey: str, speed: float, stage: int) -> None:
        self.members[stage][hotkey] = speed
        self.stage_of[hotkey] = stage

    def neediest(self) -> int:
        """Where a newcomer goes: to a stage without two members, then to the slowest."""
        return min(range(len(self.members)), key=self._need)

    def _need(self, stage: int) -> tuple[int, float, int]:
        return min(len(self.members[stage]), LEAST_MEMBERS), self.capacity(stage), stage

    def improve(self) -> None:
        """Move while each round of moves raises the minimum by more than a tenth."""
        while self._round():
            pass

    def _round(self) -> bool:
        before = min(map(self.capacity, range(len(self.members))))
        done: list[tuple[str, int]] = []
        while exchange := self._best_exchange():
            target = self.neediest()
            for hotkey, stage in ((exchange.comes, target), (exchange.goes, exchange.source)):
                if hotkey != _NOBODY:
                    done.append((hotkey, self.stage_of[hotkey]))
                    self._move(hotkey, stage)
            if min(map(self.capacity, range(len(self.members)))) > HYSTERESIS * before:
                return True
        for hotkey, stage in reversed(done):
            self._move(hotkey, stage)
        return False

    def _best_exchange(self) -> _Exchange | None:
        """What raises the scarcest stage most without making another as scarce, if anything."""
        target = self.neediest()
        lowest = self.capacity(target)
        staying = [(0.0, _NOBODY), *sorted((v, k) for k, v in self.members[target].items())]
        sources = (stage for stage in range(len(self.members)) if stage != target)
        found = [each for stage in sources for each in self._offers(stage, lowest, staying)]
        best = max(found, key=lambda each: (each.minimum, each.comes, each.goes), default=None)
        return best if best is not None and best.minimum > lowest else None

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
