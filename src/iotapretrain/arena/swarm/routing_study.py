"""Policies of routing beside each other in the same swarms: medians, a table and a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from iotapretrain.arena.incentives.figure import BLUE, GREY, Drawing, percent
from iotapretrain.arena.swarm.routing_lab import LabResult, play
from iotapretrain.arena.swarm.routing_world import LabWorld
from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.routing import POLICIES

OURS = "ours"


@dataclass(frozen=True)
class RoutingStudy:
    """What every policy made of the same swarms, by name, in the order of the seeds."""

    world: LabWorld
    seeds: Sequence[int]
    results: Mapping[str, Sequence[LabResult]]

    def __post_init__(self) -> None:
        if not self.seeds or any(len(each) != len(self.seeds) for each in self.results.values()):
            raise InputError("routing: give one seed or more, and every policy each of them")

    def median(self, policy: str, figure: str) -> float:
        """The middle one of the seeds."""
        return float(median(getattr(each, figure) for each in self.results[policy]))

    def gain(self, policy: str, over: str) -> float:
        """How many times as fast one policy is as another, the median of the same swarms."""
        pairs = zip(self.results[policy], self.results[over], strict=True)
        return median(one.efficiency / other.efficiency for one, other in pairs)

    def columns(self) -> dict[str, list[str]]:
        """The table for people."""
        names = list(self.results)

        def told(figure: str, form: str, unit: float = 1) -> list[str]:
            return [format(unit * self.median(name, figure), form) for name in names]

        return {
            "policy": names,
            "of the bound": told("efficiency", ".1%"),
            "half done in": [f"{each} s" for each in told("middle", ".1f")],
            "95 % done in": [f"{each} s" for each in told("slow", ".1f")],
            "dropped": told("dropped", ",.0f"),
            "refused": told("refused", ",.0f"),
            "idlest stage": told("idle", ".0%"),
        }

    def note(self) -> str:
        """How to read the table."""
        world = self.world
        return (
            f"{world.miners} miners in {world.stages} stages, {world.epochs} epochs of"
            f" {world.wanted:,} samples, medians of {len(self.seeds)} swarms; the bound is all"
            " machines there are always busy in the best of balances"
        )

    def as_data(self) -> dict[str, Any]:
        """The same for programs, with every swarm by itself."""
        policies = [
            {
                "policy": name,
                "efficiency": self.median(name, "efficiency"),
                "swarms": [{"seed": s} | asdict(r) for s, r in zip(self.seeds, each, strict=True)],
            }
            for name, each in self.results.items()
        ]
        return {"world": asdict(self.world), "policies": policies}

    def draw(self, figure: Drawing) -> None:
        """A bar a policy up to its median, a dot a swarm."""
        axes = figure.subplots()
        for place, (name, each) in enumerate(self.results.items()):
            colour = BLUE if name == OURS else GREY
            axes.barh(place, self.median(name, "efficiency"), color=colour, alpha=0.5)
            axes.plot([r.efficiency for r in each], [place] * len(each), ".", color=colour)
        axes.set_yticks(range(len(self.results)), list(self.results))
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), xlabel="share of the fluid bound", title="Routing")
        percent(axes.xaxis)


def study_routing(
    world: LabWorld, policies: Sequence[str] | None, seeds: Iterable[int]
) -> RoutingStudy:
    """Try these policies, all by default, in one swarm a seed."""
    tried, names = list(seeds), dict.fromkeys(policies or POLICIES)
    results = {name: [play(world, name, seed) for seed in tried] for name in names}
    return RoutingStudy(world, tried, results)
