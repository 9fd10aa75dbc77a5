"""docs/rules.md tells the truth: its examples are computed, its modes and reasons compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotapretrain.rules.competition.eligibility import Ineligibility
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.task_score import Task, aggregate
from iotapretrain.rules.competition.tournament import MODES, DecidedRound, best_share
from iotapretrain.rules.competition.wins import beats
from tests.rules.rounds import DECAY, round_of

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def table(*header: str) -> list[list[str]]:
    """The rows below the one table header that begins with these cells."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines()]
    (top,) = [row for row, cells in enumerate(lines) if cells[: len(header)] == list(header)]
    end = next(row for row in range(top, len(lines)) if not lines[row])
    return lines[top + 2 : end]


def across(first: str, *header: str) -> dict[str, list[str]]:
    """A table that runs sideways: each line's cells by its first one."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines()]
    (top,) = [cells for cells in lines if cells[: len(header) + 1] == [first, *header]]
    return {first: top[1:], **{row[0]: row[1:] for row in table(first, *header)}}


def printed(cell: str) -> object:
    """A number that is right to the digits that the page shows."""
    mantissa, _, exponent = cell.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return pytest.approx(float(cell), abs=0.501 * 10 ** (int(exponent or 0) - decimals))


def test_the_decay() -> None:
    rows = across("age", "0")
    for age, epsilon in zip(rows["age"], rows["epsilon"], strict=True):
        assert float(DECAY.at(int(age))) == printed(epsilon)


def test_the_meeting_of_two() -> None:
    rows = across("age of the earlier")
    for age, adjusted, winner in zip(*rows.values(), strict=True):
        epsilon = float(DECAY.at(int(age)))
        assert (1 - epsilon) * 2.5 == printed(adjusted)
        assert beats(2.5, 2.492, 1, 2, epsilon, 0.005) is (winner == "earlier")


def test_the_example_per_page() -> None:
    outcome = round_of("paper.json")
    assert outcome.field.losses is not None
    rows = table("uid", "block", "page 1")
    assert len(rows) == len(outcome.field)
    for row, cells in enumerate(rows):
        assert [int(cell) for cell in cells[:2]] == _identity(outcome, row)
        assert [float(cell) for cell in cells[2:6]] == outcome.field.losses[row].tolist()
        assert [outcome.field.scores[row], *_results(outcome, row)] == [*map(printed, cells[6:])]
    lead = outcome.margins[0]
    assert f"{lead.ahead:.5f}"[1:] in PAGE
    assert f"{lead.standard_error:.4f}"[1:] in PAGE


def test_the_example_at_score_level() -> None:
    outcome = round_of("round.json")
    rows = table("uid", "score", "block")
    assert len(rows) == len(outcome.field)
    for row, (uid, score, block, epsilon, adjusted, filtered, *results) in enumerate(rows):
        assert [int(uid), int(block)] == _identity(outcome, row)
        assert float(score) == outcome.field.scores[row]
        assert outcome.epsilons[row] == printed(epsilon)
        assert outcome.adjusted_scores[row] == printed(adjusted)
        assert (filtered == "kept") is outcome.kept.tolist()[row]
        assert _results(outcome, row) == [printed(cell) for cell in results]


def _identity(outcome: DecidedRound, row: int) -> list[int]:
    return [int(outcome.field.uids[row]), int(outcome.field.blocks[row])]


def _results(outcome: DecidedRound, row: int) -> list[float]:
    return [outcome.wins[row], outcome.win_rates[row], outcome.weights[row]]


def test_the_best_ones_share() -> None:
    rows = across("n", "2")
    for models, share in zip(rows["n"], rows["share"], strict=True):
        assert best_share(int(models), 0.01) == printed(share)


def test_the_six_tasks() -> None:
    rows = across("task", "FINEWEB")
    names = rows["task"][:-1]
    tasks = [Task(name, float(w)) for name, w in zip(names, rows["weight"], strict=False)]
    for line in ("loss", "loss, code task failed"):
        *losses, expected = rows[line]
        failed = [name for name, loss in zip(names, losses, strict=True) if loss == "failed"]
        raw = {n: float(loss) for n, loss in zip(names, losses, strict=True) if n not in failed}
        score = aggregate(tasks, raw, failed)
        assert score is not None
        assert score.value == printed(expected)


def test_the_new_winner() -> None:
    standings = Standings().record(1, {"old": 1.0})
    for average in across("rounds", "1")["average"]:
        standings = standings.record(1, {"new": 1.0})
        assert standings.averages(1, ["new"]) == [float(average)]


def test_the_merged_competitions() -> None:
    rows = across("hotkey", "a")
    standings = Standings().record(1, {"a": 1, "b": 1}).record(2, {"c": 5, "d": 5})
    merged = standings.merge({1: 0.6, 2: 0.4})
    assert [merged[hotkey] for hotkey in rows["hotkey"]] == [printed(c) for c in rows["merged"]]


def test_the_modes() -> None:
    words = {"one score": "score-level", "every page": "per-page"}
    told = {
        name.strip("`"): (words.get(comparison, "champion"), rule, float(alone))
        for name, comparison, rule, alone, _ in table("mode")
    }
    known = {name: (mode.comparison, mode.filter, mode.alone) for name, mode in MODES.items()}
    assert told == known


@pytest.mark.parametrize("reason", Ineligibility)
def test_every_reason_is_explained(reason: Ineligibility) -> None:
    assert f"*{reason}*" in " ".join(PAGE.split())
