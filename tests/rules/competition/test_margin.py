"""The winner's lead and its paired standard error."""

from __future__ import annotations

import math
import statistics

import pytest

from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import PER_PAGE, REQUIRED, WHITEPAPER, RoundRules
from tests.rules.rounds import NOW, decided, round_of, scored

FREE = RoundRules(Fixed(0.0))


def test_papers_winner_leads_by_less_than_its_error() -> None:
    close, clear = round_of("paper.json").margins
    assert (close.uid, close.decided) == (2, False)
    assert close.ahead == pytest.approx(2.5 - 0.995 * 2.5125)
    assert (clear.uid, clear.decided) == (3, True)


def test_the_error_is_that_of_paired_differences() -> None:
    """Pages differ by far more than models do; paired, only the models' differences count."""
    losses = [[2.0, 9.0, 4.0, 6.0], [1.9, 8.8, 3.9, 5.9]]
    (margin,) = decided(Field.of([1, 2], [1, 2], losses=losses), FREE).margins
    leads = [earlier - later for earlier, later in zip(*losses, strict=True)]
    assert margin.ahead == pytest.approx(statistics.mean(leads))
    assert margin.standard_error == pytest.approx(statistics.stdev(leads) / math.sqrt(4))
    assert margin.decided


def test_one_page_decides_nothing() -> None:
    (margin,) = decided(Field.of([1, 2], [1, 2], losses=[[2.0], [1.0]]), FREE).margins
    assert margin.standard_error is None
    assert not margin.decided


def test_without_pages_there_are_no_margins() -> None:
    assert decided(scored(2.0, 1.0), FREE).margins == ()


def test_only_models_inside_the_filter_and_with_finite_losses_are_compared() -> None:
    losses = [[2.0, 2.0], [1.0, 1.1], [math.inf, 1.0], [1.5, 1.5]]
    field = Field.of([1, 2, 3, 4], [1, 2, 3, 4], losses=losses)
    rules = {mode: RoundRules(Fixed(0.005), mode) for mode in (REQUIRED, PER_PAGE, WHITEPAPER)}
    assert [m.uid for m in decided(field, rules[REQUIRED]).margins] == [1]
    assert [m.uid for m in decided(field, rules[PER_PAGE]).margins] == [1]
    assert [m.uid for m in decided(field, rules[WHITEPAPER], NOW).margins] == [1, 4]
