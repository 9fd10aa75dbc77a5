"""Scenarios by name, and as a TOML file of the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from iotapretrain.arena.swarm.memory_log import OFFICE
from iotapretrain.arena.swarm.memory_parts import STORE
from iotapretrain.arena.swarm.scenario import Fault, Scenario, When, random_scenario
from iotapretrain.arena.swarm.weather import FOREVER
from iotapretrain.errors import InputError
from iotapretrain.swarm.run_file import read_tables

CHEATS = ("makes rows up", "skips steps", "sends against")


def _calm(seed: int, epochs: int) -> Scenario:
    return Scenario(seed=seed, epochs=epochs)


def _churn(seed: int, epochs: int) -> Scenario:
    return Scenario(miners=8, seed=seed, epochs=epochs, samples=64).churn(0.2)


def _iota(seed: int, epochs: int) -> Scenario:
    return replace(_churn(seed, epochs), phases="iota")


def _cheats(seed: int, epochs: int) -> Scenario:
    scenario = Scenario(miners=12, validators=3, seed=seed, epochs=epochs)
    for number, kind in enumerate(CHEATS):
        scenario = scenario.made(f"miner-{3 * number + 1}", kind)
    return scenario


def _storm(seed: int, epochs: int) -> Scenario:
    return random_scenario(seed, epochs=epochs)


SCENARIOS: Mapping[str, Callable[[int, int], Scenario]] = MappingProxyType(
    {"calm": _calm, "churn": _churn, "iota": _iota, "cheats": _cheats, "storm": _storm}
)
"""calm: nothing happens. churn: a fifth of the miners goes each epoch. iota: the same under IOTA's
own phases. cheats: a quarter of the miners cheats. storm: kills, partitions, loss, all by seed."""


class FaultTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happens: to whom, and at which record, epoch or second."""

    what: Literal["kill", "leave", "join"]
    who: str
    record: int | None = None
    epoch: int | None = None
    second: float | None = None
    after: float = 0.0
    back: float = FOREVER
    wiped: bool = False

    def fault(self) -> Fault:
        """As a scenario has it."""
        moments: tuple[tuple[When, float | None], ...] = (
            ("record", self.record),
            ("epoch", self.epoch),
            ("second", self.second),
        )
        given = [(when, value) for when, value in moments if value is not None]
        if len(given) != 1:
            raise InputError(f"{self.what} {self.who}: give one of record, epoch and second")
        [(when, value)] = given
        return Fault(self.what, self.who, when, value, self.after, self.back, self.wiped)


class ScenarioCut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing goes between two participants for a while, in seconds."""

    between: tuple[str, str]
    since: float = 0.0
    until: float = FOREVER


class ScenarioTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file's scenario: what is left out is as in `calm`."""

    miners: int = 6
    validators: int = 2
    stages: int = 2
    epochs: int = 4
    samples: int = 16
    seed: int = 0
    churn: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    phases: Literal["ours", "iota"] = "ours"
    kinds: dict[str, str] = {}
    slow: dict[str, Annotated[float, msgspec.Meta(gt=0, le=1_000)]] = {}
    fault: list[FaultTable] = []
    cut: list[ScenarioCut] = []

    def scenario(self) -> Scenario:
        """Played as the file says."""
        told = msgspec.structs.asdict(self)
        told["faults"] = tuple(each.fault() for each in told.pop("fault"))
        told["slowness"] = told.pop("slow")
        cuts, churn = told.pop("cut"), told.pop("churn")
        made = Scenario(**told)
        self._check_names(made)
        for each in cuts:
            one, other = each.between
            made = made.cut(one, other, each.since, each.until)
        return made.churn(churn) if churn else made

    def _check_names(self, made: Scenario) -> None:
        """Whom the file names must be there, or come."""
        validators = {f"validator-{number}" for number in range(self.validators)}
        coming = {each.who for each in self.fault if each.what == "join"}
        known = {*made.names, *validators, *coming, OFFICE, STORE}
        named = {*self.kinds, *self.slow, *(each.who for each in self.fault)}
        named |= {name for each in self.cut for name in each.between}
        if unknown := sorted(named - known):
            raise InputError(
                f"scenario: nobody is called {', '.join(unknown)}; there are"
                f" {made.names[0]} to {made.names[-1]}, validators, {OFFICE}, {STORE} and who joins"
            )


def find_scenario(name: str, seed: int | None, epochs: int | None) -> Scenario:
    """By name, or of a file; a seed or epochs that are asked for come before the file's."""
    if name in SCENARIOS:
        return SCENARIOS[name](1 if seed is None else seed, 4 if epochs is None else epochs)
    path = Path(name)
    if path.suffix != ".toml":
        raise InputError(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}, or a TOML file")
    table = read_tables(path, ScenarioTable, "docs/swarm-rules.md")
    if seed is not None:
        table = msgspec.structs.replace(table, seed=seed)
    if epochs is not None:
        table = msgspec.structs.replace(table, epochs=epochs)
    return table.scenario()
