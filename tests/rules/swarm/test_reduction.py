"""A merge: the same bytes for everybody, and every bad contribution has its outcome."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.swarm.merge_codes import BF16, CODES, INT8, TOP, TWO_BIT, Floats
from iotapretrain.rules.swarm.reduction import (
    Announcement,
    Contribution,
    MergeOutcome,
    OuterRule,
    announced_digests,
    base_digest,
    received,
    reduced,
)

COUNT, DEADLINE = 5000, 100
NAMES = [f"5{letter}" for letter in "ABCDEFGHIJKL"]
both_reducers = pytest.mark.parametrize("reducer", ["mean", "trimmed"])


class Merged(NamedTuple):
    """What `reduced` returns, by name."""

    direction: Floats | None
    outcomes: dict[str, MergeOutcome]


def drawn(seed: int, count: int = COUNT) -> Floats:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def alike(seed: int, members: int, spread: float = 0.5, count: int = 50) -> list[Floats]:
    """Honest changes: one direction, and something of each member's own."""
    common = drawn(seed, count)
    own = [drawn(1000 * seed + i, count) for i in range(1, members + 1)]
    return [(common + np.float32(spread) * each).astype(np.float32) for each in own]


def merge(values: list[Floats], weights: list[int] | None = None, **rules: object) -> Merged:
    weights = weights or [1] * len(values)
    found = {n: Contribution(w, v) for n, w, v in zip(NAMES, weights, values, strict=False)}
    return outcome_of(found, **rules)


def outcome_of(found: dict[str, Contribution | MergeOutcome], **rules: object) -> Merged:
    """By the rules given, else those of most merges."""
    said = {"reducer": "mean", "least": 2, "verdicts": {}} | rules
    return Merged(*reduced(found, **said))  # type: ignore[arg-type]


def direction(merged: Merged) -> Floats:
    assert merged.direction is not None
    return merged.direction


# --- the mean ------------------------------------------------------------------------------------


@both_reducers
@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_the_mean_of_equal_tensors_is_that_tensor(
    reducer: str, seed: int, weights: list[int]
) -> None:
    values = drawn(seed, 100) * np.float32(2.0) ** (seed % 60 - 30)
    merged = merge([values] * len(weights), weights, reducer=reducer, least=1)
    assert np.array_equal(direction(merged), values)
    assert set(merged.outcomes.values()) == {MergeOutcome.MERGED}


@given(st.integers(0, 10**6), st.lists(st.integers(1, 5000), min_size=1, max_size=9))
def test_the_mean_is_the_weighted_mean_to_the_bit(seed: int, weights: list[int]) -> None:
    """A second implementation, number by number; and float64 agrees up to roundings."""
    signs = np.random.default_rng(seed).choice([-1, 1], (len(weights), 7)).astype(np.float32)
    values = [drawn(seed, 7) * each for each in signs]  # of one norm
    merged = merge(values, weights, least=1, verdicts=dict.fromkeys(NAMES, True))
    assert set(merged.outcomes.values()) == {MergeOutcome.MERGED}
    ranked = sorted(weights)
    cap = ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]
    capped = [min(each, cap) for each in weights]
    for place in range(7):
        mean, total = np.float32(0), 0
        for each, weight in zip(values, capped, strict=True):
            total += weight
            share = np.float32(weight / total)
            mean = np.float32(mean + np.float32(np.float32(each[place] - mean) * share))
        assert direction(merged)[place] == mean
    exact = np.average(np.array(values, float), axis=0, weights=capped)
    assert np.abs(direction(merged) - exact).max() <= 1e-6 * np.abs(values).max()


def test_no_weight_counts_more_than_twice_the_median() -> None:
    values = alike(1, 3, 0.01)
    assert np.array_equal(
        direction(merge(values, [10, 10**6, 30])), direction(merge(values, [10, 60, 30]))
    )


def test_a_trimmed_mean_leaves_out_a_fifth_at_either_end() -> None:
    values = [np.full(4, x, np.float32) for x in (-9, 1, 2, 3, 4, 5, 6, 7, 8, 90)]
    cleared = dict.fromkeys(NAMES, True)
    bounded = sorted(np.clip([-9, 1, 2, 3, 4, 5, 6, 7, 8, 90], -5, 5))
    merged = merge(values, reducer="trimmed", verdicts=cleared)
    assert direction(merged) == pytest.approx(np.mean(bounded[2:-2]))


# --- arrival -------------------------------------------------------------------------------------


Sent = dict[str, list[tuple[int, bytes]]]


def announced(members: int, seed: int = 1) -> tuple[list[Announcement], Sent]:
    """Members whose contributions arrived in time, in 2bit."""
    log, sent = [], {}
    for i, (name, values) in enumerate(zip(NAMES, alike(seed, members, count=COUNT), strict=False)):
        content = TWO_BIT.encode(values)
        log.append(Announcement(name, 10 + i, announced_digests(name, content, TWO_BIT)))
        sent[name] = [(50 + i, content)]
    return log, sent


def gathered(log: list[Announcement], sent: Sent, **rules: object) -> Merged:
    found = {
        each.hotkey: received(each, sent.get(each.hotkey, []), DEADLINE, TWO_BIT, COUNT)
        for each in log
    }
    return outcome_of(found, **rules)


@both_reducers
@given(st.randoms(use_true_random=False))
def test_order_of_arrival_and_duplicates_change_no_byte(reducer: str, rng: random.Random) -> None:
    log, sent = announced(6)
    expected = gathered(log, sent, reducer=reducer)
    rng.shuffle(log)
    for name, arrivals in sent.items():
        arrivals += rng.choices([*arrivals, (70, b"junk"), (999, b"late")], k=rng.randrange(4))
        rng.shuffle(arrivals)
        sent[name] = arrivals
    merged = gathered(log, sent, reducer=reducer)
    assert direction(merged).tobytes() == direction(expected).tobytes()
    assert merged.outcomes == expected.outcomes


def digest_of_a_merge() -> str:
    """Six members, in every code, by both reducers, up to the digest of the base."""
    hashed = []
    for code in CODES.values():
        found = {
            name: Contribution(3 + i, code.decode(code.encode(values), COUNT))
            for i, (name, values) in enumerate(zip(NAMES, alike(1, 6, count=COUNT), strict=False))
        }
        for reducer in ("mean", "trimmed"):
            step = direction(outcome_of(found, reducer=reducer))
            hashed.append(base_digest(*OuterRule().step(drawn(1), drawn(2), step, 3)).hex())
    return " ".join(hashed)


def test_processors_with_and_without_wide_registers_agree() -> None:
    """A second process, in which numpy may not use what this processor has beyond its baseline."""
    code = f"from {__name__} import digest_of_a_merge; print(digest_of_a_merge())"
    features = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
    there = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **features},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == digest_of_a_merge()


def bad_arrivals() -> dict[str, tuple[list[tuple[int, bytes]], MergeOutcome]]:
    _, sent = announced(1)
    [(_, good)] = sent[NAMES[0]]
    flipped = bytes([good[0] ^ 1]) + good[1:]
    return {
        "missing": ([], MergeOutcome.MISSING),
        "late": ([(101, good)], MergeOutcome.LATE),
        "in the last moment": ([(100, good)], MergeOutcome.MERGED),
        "duplicated": ([(1, good), (2, good), (101, good)], MergeOutcome.MERGED),
        "oversized": ([(1, good + b"\0")], MergeOutcome.SIZE),
        "cut": ([(1, good[:-1])], MergeOutcome.SIZE),
        "other bytes": ([(1, flipped)], MergeOutcome.DIGEST),
        "others, then late": ([(1, flipped), (101, good)], MergeOutcome.DIGEST),
        "others, then its own": ([(1, flipped), (2, good)], MergeOutcome.MERGED),
    }


@pytest.mark.parametrize("case", bad_arrivals())
def test_what_arrives_wrong_has_its_outcome_and_changes_nothing_else(case: str) -> None:
    log, sent = announced(5)
    sent[NAMES[0]], expected = bad_arrivals()[case]
    merged = gathered(log, sent)
    there = log if expected is MergeOutcome.MERGED else log[1:]
    without = gathered(there, announced(5)[1])
    assert np.array_equal(direction(merged), direction(without))
    assert set(without.outcomes.values()) <= {MergeOutcome.MERGED, MergeOutcome.BOUNDED}
    assert merged.outcomes == {NAMES[0]: expected, **without.outcomes}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**100, 3e38])
@pytest.mark.parametrize("code", [BF16, INT8, TWO_BIT, TOP], ids=lambda code: code.name)
def test_what_is_no_number_is_left_out(code: object, bad: float) -> None:
    content = np.frombuffer(CODES[code.name].encode(drawn(1)), code.layout).copy()  # type: ignore[attr-defined]
    if code is BF16:
        content["upper"][1, 3] = np.float32(bad).view(np.uint32) >> 16
        content["upper"][1, 3] += not np.isfinite(bad) and np.isnan(bad)
    else:
        content["scale" if code is INT8 else "levels"][1] = bad
    one = Announcement("5A", 1, announced_digests("5A", content.tobytes(), code))
    found = received(one, [(1, content.tobytes())], DEADLINE, code, COUNT)  # type: ignore[arg-type]
    assert found is MergeOutcome.NUMBERS


def test_what_cannot_be_decoded_is_no_numbers() -> None:
    content = bytes(TOP.size(COUNT))
    one = Announcement("5A", 1, announced_digests("5A", content, TOP))
    assert received(one, [(1, content)], DEADLINE, TOP, COUNT) is MergeOutcome.NUMBERS


def test_whoever_did_no_work_has_no_say() -> None:
    log, sent = announced(3)
    idle = Announcement("5A", 0, log[0].digests)
    merged = gathered([idle, *log[1:]], sent)
    assert merged.outcomes["5A"] is MergeOutcome.WORKLESS
    assert np.array_equal(direction(merged), direction(gathered(log[1:], sent)))


def test_whoever_announces_anothers_digest_cannot_open_it() -> None:
    log, sent = announced(4)
    copied = Announcement("5Z", 10, log[0].digests)
    assert received(copied, sent["5A"], DEADLINE, TWO_BIT, COUNT) is MergeOutcome.DIGEST


@given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_members_lost_before_and_after_they_announced(before: set[int], after: set[int]) -> None:
    """The merge is that of those who are left, or none."""
    log, sent = announced(6)
    left = [each for i, each in enumerate(log) if i not in before | after]
    log = [each for i, each in enumerate(log) if i not in before]
    for i in after - before:
        sent[NAMES[i]] = []
    merged = gathered(log, sent)
    lost = {name for name, each in merged.outcomes.items() if each is MergeOutcome.MISSING}
    assert lost == {NAMES[i] for i in after - before}
    assert (merged.direction is None) == (len(left) < 2)
    if merged.direction is not None:
        assert np.array_equal(merged.direction, direction(gathered(left, sent)))


# --- gates ---------------------------------------------------------------------------------------


def test_a_long_contribution_is_as_long_as_the_median() -> None:
    values = alike(2, 5, 0.1)
    values[3] = values[3] * np.float32(1000)
    merged = merge(values)
    assert merged.outcomes["5D"] is MergeOutcome.BOUNDED
    norms = sorted(np.linalg.norm(each.astype(float)) for each in values)
    assert np.linalg.norm(direction(merged).astype(float)) <= norms[2] * (1 + 1e-6)


def test_what_points_against_the_rest_waits_for_a_verdict() -> None:
    values = alike(3, 4, 0.1)
    values[1] = -values[1]
    merged = merge(values)
    assert merged.outcomes["5B"] is MergeOutcome.AGAINST
    others = {n: Contribution(1, v) for n, v in zip(NAMES, values, strict=False) if n != "5B"}
    median = sorted(np.linalg.norm(each.astype(float)) for each in values)[1]
    assert direction(merged) == pytest.approx(direction(outcome_of(others)), rel=0.05, abs=0.1)
    assert np.linalg.norm(direction(merged)) <= median * (1 + 1e-6)


def test_nobody_is_among_the_rest_that_it_is_compared_with() -> None:
    """With its own weight, twice the others', the second would pull the mean to its side."""
    values = [np.array(each, np.float32) for each in ((1, 1), (-(2**0.5), 0), (1, -1))]
    assert merge(values, [1, 2, 1]).outcomes["5B"] is MergeOutcome.AGAINST


@pytest.mark.parametrize(
    ("verdict", "outcomes"),
    [
        (True, {MergeOutcome.MERGED, MergeOutcome.BOUNDED}),
        (False, {MergeOutcome.CONVICTED}),
    ],
)
def test_a_verdict_decides(verdict: bool, outcomes: set[MergeOutcome]) -> None:
    values = alike(3, 4, 0.1)
    values[1] = -values[1]
    assert merge(values, verdicts={"5B": verdict}).outcomes["5B"] in outcomes


def test_whoever_is_convicted_has_no_say_on_the_median() -> None:
    values = alike(4, 4, 0.1)
    rest = {n: Contribution(1, v) for n, v in zip(NAMES, values, strict=False) if n != "5A"}
    values[0] = values[0] * np.float32(1e-3)
    merged = merge(values, verdicts={"5A": False})
    assert np.array_equal(direction(merged), direction(outcome_of(rest)))


def test_of_two_that_disagree_nobody_waits() -> None:
    values = drawn(5, 50)
    merged = merge([values, -values])
    assert set(merged.outcomes.values()) == {MergeOutcome.MERGED}
    assert not direction(merged).any()


@both_reducers
def test_too_few_are_no_merge(reducer: str) -> None:
    merged = merge(alike(6, 3), reducer=reducer, least=4)
    assert merged.direction is None
    assert len(merged.outcomes) == 3
    assert outcome_of({}, least=0).direction is None


# --- liars ---------------------------------------------------------------------------------------


@st.composite
def swarms(draw: st.DrawFn, most: float) -> tuple[list[Floats], set[int], list[int]]:
    """Honest members, and up to that share of liars, who send what they like."""
    members = draw(st.integers(3, 12))
    liars = draw(st.integers(0, int(np.ceil(members * most)) - 1 if most == 0.5 else members // 5))
    seed = draw(st.integers(1, 10**6))
    values = alike(seed, members, draw(st.sampled_from([0.1, 1.0, 3.0])))
    who = set(draw(st.permutations(range(members)))[:liars])
    kind = draw(st.sampled_from(["against", "huge", "nothing", "noise", "one number"]))
    for i in who:
        values[i] = {
            "against": -values[i],
            "huge": values[i] * np.float32(-1e9),
            "nothing": values[i] * np.float32(0),
            "noise": drawn(seed + i, 50) * np.float32(100),
            "one number": np.eye(1, 50, 7, dtype=np.float32)[0] * np.float32(1e6),
        }[kind]
    return values, who, draw(st.lists(st.integers(1, 100), min_size=members, max_size=members))


@given(swarms(0.5))
def test_less_than_half_of_liars_move_the_mean_by_their_share(
    swarm: tuple[list[Floats], set[int], list[int]],
) -> None:
    values, liars, weights = swarm
    merged = merge(values, weights, least=1)
    if merged.direction is None:
        return
    norms = [np.linalg.norm(each.astype(float)) for each in values]
    longest = max(norms[i] for i in range(len(values)) if i not in liars)
    assert np.linalg.norm(merged.direction.astype(float)) <= longest * (1 + 1e-5)
    median = sorted(norms)[(len(norms) - 1) // 2]
    ranked = sorted(weights)
    cap = ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]
    inside = {MergeOutcome.MERGED, MergeOutcome.BOUNDED}
    kept = [i for i in range(len(values)) if merged.outcomes[NAMES[i]] in inside]
    honest = [i for i in kept if i not in liars]
    if not honest:
        return
    capped = [min(each, cap) for each in weights]
    share = sum(capped[i] for i in kept if i in liars) / sum(capped[i] for i in kept)
    alone = np.average(
        [values[i].astype(float) * min(1, median / norms[i]) for i in honest],
        axis=0,
        weights=[capped[i] for i in honest],
    )
    moved = np.linalg.norm(merged.direction - alone)
    assert moved <= 2 * share * longest + 1e-5 * longest


@given(swarms(0.2))
def test_a_fifth_of_liars_moves_no_trimmed_number_out_of_the_honest_range(
    swarm: tuple[list[Floats], set[int], list[int]],
) -> None:
    values, liars, weights = swarm
    cleared = dict.fromkeys(NAMES, True)
    merged = merge(values, weights, reducer="trimmed", verdicts=cleared)
    norms = [np.linalg.norm(each.astype(float)) for each in values]
    median = sorted(norms)[(len(norms) - 1) // 2]
    honest = [v * min(1.0, median / max(n, 1e-30)) for v, n in zip(values, norms, strict=True)]
    honest = [each for i, each in enumerate(honest) if i not in liars]
    slack = 1e-5 * np.abs(honest).max()
    assert (direction(merged) <= np.max(honest, axis=0) + slack).all()
    assert (direction(merged) >= np.min(honest, axis=0) - slack).all()
