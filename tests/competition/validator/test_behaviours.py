"""What a validator remembers of what models did, and whom it holds for a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.competition.evaluation.contender import Evaluated, Judged
from iotapretrain.competition.records.round_record import unscored
from iotapretrain.competition.validator import behaviours as module
from iotapretrain.competition.validator.behaviours import Behaviours, ModelBehaviour, find_disguised
from iotapretrain.models.copies import LEAST_TOKENS, SAME_LOSS, behaviour_distance
from iotapretrain.rules.competition.attempts import Outcome
from tests.competition.evaluation.rounds import contender, terms, text

TERMS, TEXT = terms(6), text(terms(6))
BASE = tuple(np.random.default_rng(0).gamma(2.0, 1.5, 2 * LEAST_TOKENS).tolist())


def moved(by: float) -> tuple[float, ...]:
    return tuple(loss + by for loss in BASE)


def judged(number: int, losses: Sequence[float], outcome: Outcome = Outcome.EVALUATED) -> Judged:
    return Judged(unscored(contender(number, Path()), outcome), behaviour=tuple(losses))


def scored(*models: Judged) -> Evaluated:
    return Evaluated(models, (), None, 0, 0)


@pytest.fixture
def kept(tmp_path: Path) -> Behaviours:
    opened = Behaviours(tmp_path / "behaviours")
    assert opened.rows(TEXT, TERMS, 1) is not None
    return opened


# Alike or not


def test_a_change_where_few_tokens_are_is_no_change() -> None:
    forged = np.array(BASE)
    forged[np.argsort(BASE)[-len(BASE) // 5 :]] = 0.0
    assert behaviour_distance(forged.tolist(), BASE) == 0


def test_tokens_that_nobody_finds_hard_do_not_make_two_models_one() -> None:
    """Half the text is known by heart to both; the rest is not the same to them."""
    easy = [1e-4] * LEAST_TOKENS
    ours, theirs = [*easy, *moved(0.1)[:LEAST_TOKENS]], [*easy, *BASE[:LEAST_TOKENS]]
    assert np.median(np.abs(np.subtract(ours, theirs))) < SAME_LOSS + 0.1
    assert behaviour_distance(ours, theirs) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "ours", [BASE[1:], (float("nan"), *BASE[1:]), (float("inf"), *BASE[1:])], ids=str
)
def test_what_cannot_be_compared_is_not_alike(ours: Sequence[float]) -> None:
    assert behaviour_distance(ours, BASE) == float("inf")
    short = BASE[: LEAST_TOKENS - 1]
    assert behaviour_distance(short, short) == float("inf")


def test_the_reason_names_whose_it_is_and_how_far_it_is_off() -> None:
    first = ModelBehaviour("a", 100, "alice", BASE)
    found = find_disguised(ModelBehaviour("b", 200, "bob", moved(0.003)), [first])
    assert found is not None
    assert found.item == "alice"
    assert "0.003 nats" in found.sentence
    assert "alice committed at block 100" in found.sentence
    assert find_disguised(ModelBehaviour("b", 200, "bob", moved(0.02)), [first]) is None
    assert find_disguised(ModelBehaviour("b", 200, "alice", BASE), [first]) is None


# Who was first


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(5)), apart=st.sets(st.integers(1, 4), max_size=3))
def test_the_earliest_commitment_decides_in_whatever_order_models_come(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], apart: set[int]
) -> None:
    """Some are models of their own, the others copies of the first: read one by one, then all."""
    opened = Behaviours(tmp_path_factory.mktemp("state"))
    opened.rows(TEXT, TERMS, 1)
    models = [judged(n, moved(float(n) if n in apart else 0.0)) for n in range(5)]
    for number in order:
        opened.copies(scored(models[number]), TERMS)
    found = opened.copies(scored(*(models[number] for number in order)), TERMS)
    assert set(found) == {f"hotkey {n}" for n in range(1, 5) if n not in apart}
    assert {finding.item for finding in found.values()} <= {"hotkey 0"}
    assert opened.copies(scored(*models), TERMS) == found


def test_who_failed_or_was_refused_is_nobodys_original(kept: Behaviours) -> None:
    assert kept.copies(scored(judged(1, BASE, Outcome.INADMISSIBLE)), TERMS) == {}
    assert kept.copies(scored(judged(2, moved(5.0))), TERMS) == {}
    assert [*kept.copies(scored(judged(3, moved(5.001))), TERMS)] == ["hotkey 3"]
    assert kept.copies(scored(judged(4, BASE)), TERMS) == {}


# What is kept


def test_rows_are_drawn_once_and_by_the_salt(kept: Behaviours, tmp_path: Path) -> None:
    rows = kept.rows(TEXT, TERMS, 1)
    later = text(TERMS, seed=8)
    assert kept.rows(later, replace(TERMS, seed=6), 2) == rows
    assert Behaviours(tmp_path / "other").rows(TEXT, TERMS, 1) == rows
    assert Behaviours(tmp_path / "salted").rows(TEXT, TERMS, 2) != rows


def test_nobody_else_reads_them(kept: Behaviours, tmp_path: Path) -> None:
    assert (tmp_path / "behaviours").stat().st_mode & 0o777 == 0o700


def test_a_text_too_short_to_tell_anything(tmp_path: Path) -> None:
    opened = Behaviours(tmp_path)
    short = replace(TEXT.batches["PROSE"], pages=TEXT.batches["PROSE"].pages[:1])
    cut = replace(short.pages[0], sequences=short.pages[0].sequences[:, :20])
    given = replace(TEXT, batches={"PROSE": replace(short, pages=(cut,))})
    assert opened.rows(given, terms(1), 1) is None
    assert opened.copies(scored(judged(1, BASE)), TERMS) == {}
    assert opened.rows(TEXT, TERMS, 1) is not None


def test_a_damaged_file_is_begun_anew(kept: Behaviours, tmp_path: Path) -> None:
    kept.copies(scored(judged(1, BASE)), TERMS)
    (path,) = (tmp_path / "behaviours").iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    assert kept.copies(scored(judged(2, BASE)), TERMS) == {}
    assert kept.rows(TEXT, TERMS, 1) is not None
    assert [*kept.copies(scored(judged(1, BASE), judged(2, BASE)), TERMS)] == ["hotkey 2"]


def test_models_that_are_read_otherwise_are_not_compared(kept: Behaviours) -> None:
    kept.copies(scored(judged(1, BASE)), TERMS)
    other = replace(TERMS, vocabulary=300)
    assert kept.copies(scored(judged(2, BASE)), other) == {}
    assert kept.rows(TEXT, other, 1) is not None
    assert kept.copies(scored(judged(2, BASE)), other) == {}


def test_those_that_were_in_no_round_for_longest_are_forgotten(
    kept: Behaviours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BEHAVIOURS", 2)
    for number in (1, 2, 1, 3):
        kept.copies(scored(judged(number, moved(float(number)))), TERMS)
    found = kept.copies(scored(judged(8, moved(1.0)), judged(9, moved(2.0))), TERMS)
    assert [*found] == ["hotkey 8"]
