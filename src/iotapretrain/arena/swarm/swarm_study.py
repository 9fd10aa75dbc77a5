"""Simulated swarms beside each other: a table for people, data for programs, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from iotapretrain.arena.incentives.figure import BLUE, GREY, INK, RED, Drawing, percent
from iotapretrain.arena.swarm.swarm_report import SwarmReport


@dataclass(frozen=True)
class SwarmStudy:
    """What scenarios came to, by name, a report a seed."""

    reports: Mapping[str, Sequence[SwarmReport]]

    def columns(self) -> dict[str, list[str]]:
        """The table for people: medians over the seeds, and everything that did not hold."""

        def told(figure: str, form: str) -> list[str]:
            return [
                format(median(getattr(each, figure) for each in reports), form)
                for reports in self.reports.values()
            ]

        return {
            "scenario": list(self.reports),
            "epochs": told("epochs", ".0f"),
            "merges": told("merges", ".0f"),
            "goodput": told("goodput", ".1%"),
            "merge takes": [f"{each} s" for each in told("waited", ".1f")],
            "simulated": [f"{each} h" for each in told("hours", ".1f")],
            "convicted": [_convicted(reports) for reports in self.reports.values()],
            "broken": [str(sum(len(e.broken) for e in r)) for r in self.reports.values()],
        }

    def problems(self) -> list[str]:
        """What did not hold, with the scenario and seed that show it."""
        return [
            f"{name}, seed {report.seed}: {each}"
            for name, reports in self.reports.items()
            for report in reports
            for each in report.broken
        ]

    def as_data(self) -> list[dict[str, Any]]:
        """The same for programs, every seed by itself."""
        return [
            {"scenario": name, "seed": report.seed} | report.as_data()
            for name, reports in self.reports.items()
            for report in reports
        ]

    def draw(self, figure: Drawing) -> None:
        """Goodput by scenario, and how pay follows work in the first seed."""
        goodput, pay = figure.subplots(1, 2)
        for place, reports in enumerate(self.reports.values()):
            values = [each.goodput for each in reports]
            goodput.barh(place, median(values), color=BLUE, alpha=0.5)
            goodput.plot(values, [place] * len(values), ".", color=BLUE)
        goodput.set_yticks(range(len(self.reports)), list(self.reports))
        goodput.invert_yaxis()
        goodput.set(xlim=(0, 1), title="Work that entered a merge")
        percent(goodput.xaxis)
        name, reports = next(iter(self.reports.items()))
        _draw_pay(pay, name, reports[0])


def _draw_pay(axes: Any, name: str, report: SwarmReport) -> None:
    shares = sorted(report.shares.items(), key=lambda each: -each[1])
    axes.bar(range(len(shares)), [float(share) for _, share in shares], color=GREY)
    axes.set_xticks(range(len(shares)), [hotkey for hotkey, _ in shares], rotation=90)
    for label in axes.get_xticklabels():
        label.set_color(RED if label.get_text() in report.convicted else INK)
    axes.set(title=f"Pay, {name} (convicted in red)")
    percent(axes.yaxis)


def _convicted(reports: Sequence[SwarmReport]) -> str:
    found = dict.fromkeys(hotkey for report in reports for hotkey in report.convicted)
    return ", ".join(found) or "nobody"
