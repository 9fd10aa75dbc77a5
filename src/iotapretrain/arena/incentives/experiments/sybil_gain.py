"""Nobody gains by registering several hotkeys.

One improver of skill 1.5 in a field of skill 1, with 1 to 30 hotkeys: publishing the same model on
all, worse versions of it (each 0.1 % worse), or its successive models one after the other on the
hotkey whose model is worst. The luck is the same in all worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from iotapretrain.arena.incentives.experiment import ClaimCheck, Column, Played, borne_out
from iotapretrain.arena.incentives.figure import Drawing, legend_below, level, lines, log_ticks
from iotapretrain.arena.incentives.strategies import Ladder, Spoilers, Strategy, steady
from iotapretrain.arena.incentives.world import LAST_SCHEDULED, Miner, SimulatedWorld, alike
from iotapretrain.rules.competition.tournament import MODES, RoundRules

NAME, SHARE = "sybils", 0.5

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


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    """All have the same hotkeys, used or not, so that the luck is the same in all of them."""
    forms: list[tuple[str, Strategy, int]] = [("alone", steady, 1)]
    forms += [(name, form(count), count) for name, form in FORMS.items() for count in COUNTS]
    others = alike(models - 1, steady)
    return {
        (mode, name, count): SimulatedWorld(
            (Miner(strategy, SKILL, COUNTS[-1]), *others),
            RoundRules(LAST_SCHEDULED.epsilon, MODES[mode]),
        )
        for mode in NAMES
        for name, strategy, count in forms
    }


def gain(runs: Mapping[Key, Played], mode: str, form: str, count: int) -> float:
    """What the owner earns as a multiple of what it earns with one hotkey, in the same luck."""
    return runs[mode, form, count].earned(0) / runs[mode, "alone", 1].earned(0)


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    rows = list(product(NAMES, FORMS))
    return (
        Column("mode", "", [mode for mode, _ in rows]),
        Column(
            "pay with one hotkey", ".1%", [runs[mode, "alone", 1].earned(0) for mode, _ in rows]
        ),
        Column("form", "", [form for _, form in rows]),
        *(
            Column(f"gain with {count}", ".3f", [gain(runs, *row, count) for row in rows])
            for count in COUNTS
        ),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    best = {row: max(gain(runs, *row, count) for count in COUNTS) for row in product(NAMES, FORMS)}
    copies = max(best["score-level", "identical"], best["score-level", "spoilers"])
    return [
        ClaimCheck(
            copies <= 1,
            f"Under the strict rules {borne_out(copies <= 1, 'no number', 'some number')} of "
            f"copies or spoilers earns more: at most {copies:.3f} times the pay of one hotkey.",
        ),
        ClaimCheck(
            best["score-level", "ladder"] <= 1,
            f"A ladder of the owner's own successive models earns up to "
            f"{best['score-level', 'ladder']:.3f} times as much under the strict rules, "
            f"{borne_out(best['score-level', 'ladder'] > 1, 'because', 'although')} each keeps its "
            "date when the next is published.",
        ),
        ClaimCheck(
            best["release-4.5.0", "spoilers"] <= 1,
            f"Without a filter spoilers earned up to {best['release-4.5.0', 'spoilers']:.3f} times "
            f"as much by one score, and {best['whitepaper', 'spoilers']:.3f} times per page; "
            f"publishing the same content everywhere up to {best['whitepaper', 'identical']:.3f}.",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    panels = figure.subplots(1, len(FORMS), sharey=True)
    for axes, form in zip(panels, FORMS, strict=True):
        gains = {
            mode: [1.0, *(gain(runs, mode, form, count) for count in COUNTS)] for mode in NAMES
        }
        lines(axes, (1, *COUNTS), gains)
        level(axes, 1)
        log_ticks(axes, (1, *COUNTS))
        axes.set_title(form.capitalize())
    panels[0].set_ylabel("pay, one hotkey = 1")
    panels[1].set_xlabel("hotkeys of the owner")
    legend_below(figure, panels[0], 4)
