"""Generated tasks are scored against what the generator knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from iotapretrain.benchmark import opened_model
from iotapretrain.benchmark.graded_answers import INVOICES, Answers, fields
from iotapretrain.benchmark.opened_model import Opened
from iotapretrain.benchmark.results import Measurement, Progress
from iotapretrain.benchmark.subject import Prompt
from iotapretrain.data.synthetic.generated_source import SYNTHETIC
from iotapretrain.data.synthetic.invoices import FIELDS
from tests.benchmark.conftest import nothing

ITEMS = 6


def scored(
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    answer: Callable[[str], str],
) -> Measurement:
    """What is measured when a model answers so; it is given what it must know."""
    task = Answers(name, seed=3, items=ITEMS)
    right = {each.prompt: each.answer for each in task.drawn()}

    def answering(_: Opened, prompts: Sequence[Prompt], progress: Progress) -> list[str]:
        progress(len(prompts), len(prompts))
        return [answer(right[prompt.text]) for prompt in prompts]

    monkeypatch.setattr(opened_model, "continued", answering)
    monkeypatch.setattr(opened, "positions", 1_000)
    return task.measure(opened, nothing)


def values(measured: Measurement) -> dict[str, float]:
    return {name: metric.value for name, metric in measured.metrics.items()}


@pytest.mark.parametrize("name", sorted(SYNTHETIC))
def test_who_knows_is_right(opened: Opened, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    measured = scored(opened, monkeypatch, name, lambda right: f"{right} ")
    assert set(values(measured).values()) == {1.0}
    assert measured.basis == {"items": ITEMS, "too long": 0}


@pytest.mark.parametrize("name", sorted(SYNTHETIC))
def test_silence_is_worth_nothing(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert set(values(scored(opened, monkeypatch, name, lambda right: "")).values()) == {0.0}


def test_an_answer_is_right_in_every_character(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    almost = scored(opened, monkeypatch, "synthetic/copying", lambda right: right[:-1])
    assert values(almost) == {"accuracy": 0.0}


def test_what_is_left_out_is_neither_accurate_nor_complete(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = scored(opened, monkeypatch, INVOICES, lambda right: "\n".join(right.splitlines()[:3]))
    assert values(half) == {"accuracy": 0.5, "completeness": 0.5, "all fields": 0.0}


def test_what_is_made_up_is_complete_but_not_accurate(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    invented = "".join(f"{name}: 1\n" for name in FIELDS)
    made_up = scored(opened, monkeypatch, INVOICES, lambda right: invented)
    assert values(made_up) == {"accuracy": 0.0, "completeness": 1.0, "all fields": 0.0}


def test_the_first_value_of_a_field_counts() -> None:
    assert fields("total: 1.00\n total : 2.00\nnonsense\ntax:\ntax: 3: 4\n") == {
        "total": "1.00",
        "tax": "3: 4",
    }


def test_questions_come_from_the_seed() -> None:
    drawn = [Answers(INVOICES, seed, 5).drawn() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert not {each.prompt for each in drawn[0]} & {each.prompt for each in drawn[2]}


def test_a_model_with_few_positions_is_asked_what_fits(opened: Opened) -> None:
    measured = Answers(INVOICES, 0, 4).measure(opened, nothing)
    assert measured.basis == {"items": 4, "too long": 4}
    assert values(measured) == {"accuracy": 0.0, "completeness": 0.0, "all fields": 0.0}


def test_a_random_model_answers_something(opened: Opened) -> None:
    seen: list[tuple[int, int]] = []
    task = Answers("synthetic/arithmetic", 0, 4)
    measured = task.measure(opened, lambda done, of: seen.append((done, of)))
    assert values(measured) == {"accuracy": 0.0}
    assert seen[-1] == (4, 4)
    assert measured.basis["too long"] == 0
