"""One owner behind several hotkeys: spoilers, identical models, and a ladder of its own models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from iotapretrain.arena.incentives.experiment import Experiment, Finding, Report, Run
from iotapretrain.arena.incentives.experiments.crowd import alike
from iotapretrain.arena.incentives.figure import GREY, line
from iotapretrain.arena.incentives.strategies.steady import Steady
from iotapretrain.arena.incentives.strategies.sybils import Ladder, Spoilers
from iotapretrain.arena.incentives.strategy import Strategy
from iotapretrain.arena.incentives.table import Cell, Column, Table
from iotapretrain.arena.incentives.world import LAST_SCHEDULED, Miner, World
from iotapretrain.rules.competition.tournament import MODES, RoundRules

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("whitepaper", "release-4.5.0", "score-level")
FORMS: Mapping[str, Callable[[int], Strategy]] = {
    "identical": lambda count: Spoilers(count, 0.0),
    "spoilers": lambda count: Spoilers(count, 0.001),
    "ladder": Ladder,
}
COUNTS = (2, 10, 30)
SKILL = 1.5
"""Well above the field, so that the owner is paid often enough to see a difference."""

Key = tuple[str, str, int]


def worlds(models: int) -> Mapping[Key, World]:
    """All have the same hotkeys, used or not, so that the luck is the same in all of them."""
    forms: list[tuple[str, Strategy, int]] = [("alone", Steady(), 1)]
    forms += [(name, form(count), count) for name, form in FORMS.items() for count in COUNTS]
    others = alike(models - 1, Steady())
    return {
        (mode, name, count): World(
            (Miner(strategy, SKILL, COUNTS[-1]), *others),
            RoundRules(LAST_SCHEDULED.epsilon, MODES[mode]),
        )
        for mode in NAMES
        for name, strategy, count in forms
    }


def gain(runs: Mapping[Key, Run], mode: str, form: str, count: int) -> float:
    """What the owner earns as a multiple of what it earns with one hotkey, in the same luck."""
    return runs[mode, form, count].earned(0) / runs[mode, "alone", 1].earned(0)


def report(runs: Mapping[Key, Run]) -> Report:
    rows: list[Sequence[Cell]] = [
        (
            mode,
            runs[mode, "alone", 1].earned(0),
            form,
            *(gain(runs, mode, form, count) for count in COUNTS),
        )
        for mode in NAMES
        for form in FORMS
    ]
    columns = (
        Column("mode"),
        Column("pay with one hotkey", ".1%"),
        Column("form"),
        *(Column(f"gain with {count}", ".3f") for count in COUNTS),
    )
    return Report(Table(columns, rows), findings(runs))


def findings(runs: Mapping[Key, Run]) -> list[Finding]:
    best = {
        (mode, form): max(gain(runs, mode, form, count) for count in COUNTS)
        for mode in NAMES
        for form in FORMS
    }
    copies = max(best["score-level", "identical"], best["score-level", "spoilers"])
    return [
        Finding(
            copies <= 1,
            f"Under the strict rules no number of copies or spoilers earns more: at most "
            f"{copies:.3f} times the pay of one hotkey.",
        ),
        Finding(
            best["score-level", "ladder"] <= 1,
            f"A ladder of the owner's own successive models earns up to "
            f"{best['score-level', 'ladder']:.3f} times as much under the strict rules, because "
            "each keeps its date when the next is published.",
        ),
        Finding(
            best["release-4.5.0", "spoilers"] <= 1,
            f"Without a filter spoilers earned up to {best['release-4.5.0', 'spoilers']:.3f} times "
            f"as much by one score, and {best['whitepaper', 'spoilers']:.3f} times per page; "
            f"publishing the same content everywhere up to {best['whitepaper', 'identical']:.3f}.",
        ),
    ]


def draw(figure: Figure, runs: Mapping[Key, Run]) -> None:
    panels = figure.subplots(1, len(FORMS), sharey=True)
    for axes, form in zip(panels, FORMS, strict=True):
        for place, mode in enumerate(NAMES):
            gains = [1.0, *(gain(runs, mode, form, count) for count in COUNTS)]
            line(axes, place, [1, *COUNTS], gains, mode)
        axes.axhline(1, color=GREY, linewidth=0.9, linestyle=":")
        axes.set(xscale="log")
        axes.set_xticks([1, *COUNTS], [str(count) for count in (1, *COUNTS)])
        axes.minorticks_off()
        axes.set_title(form.capitalize())
    panels[0].set_ylabel("pay, one hotkey = 1")
    panels[1].set_xlabel("hotkeys of the owner")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)


SYBILS = Experiment(
    "sybils",
    "Nobody gains by registering several hotkeys.",
    "One improver of skill 1.5 in a field of skill 1, with 1 to 30 hotkeys: publishing the same "
    "model on all, worse versions of it (each 0.1 % worse), or its successive models one after the "
    "other on the hotkey whose model is worst. The luck is the same in all worlds.",
    worlds,
    report,
    draw,
    share=0.5,
)
