"""Which steps are replayed, what that deters, and what verdicts come to."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm.step_audits import (
    CONVICTING,
    SUSPECT_STEPS,
    UNFIT,
    StepVerdict,
    caught,
    cheating_loses,
    draw_arbiter,
    draw_audits,
    settle,
)

LINK, OTHER, THIRD = (bytes([each]) * 32 for each in (1, 2, 3))
EVIDENCE = bytes([9]) * 32
LABELS = ("run", 7, 2, "validator")


def beacon(number: int) -> str:
    return f"0x{number:064x}"


# Draws.

FILED = st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 60), max_size=30)


@given(FILED, st.integers(0, 10**9), st.sampled_from([0.01, 0.1, 0.5, 1.0]), st.data())
def test_a_draw_is_a_share_of_the_miners_and_all_suspects(
    filed: dict[str, int], number: int, share: float, data: st.DataObject
) -> None:
    suspects = data.draw(st.sets(st.sampled_from([*sorted(filed), "not here"])))
    drawn = draw_audits(beacon(number), LABELS, filed, suspects, share)
    working = {miner for miner, count in filed.items() if count}
    steps = Counter(miner for miner, _ in drawn)
    assert len(set(drawn)) == len(drawn)
    assert all(0 <= step < filed[miner] for miner, step in drawn)
    assert working & suspects <= set(steps) <= working
    for miner, count in steps.items():
        assert count == (min(SUSPECT_STEPS, filed[miner]) if miner in suspects else 1)
    unsuspected = draw_audits(beacon(number), LABELS, filed, (), share)
    assert len(unsuspected) == -(-round(share * len(working) * 100) // 100)
    assert {miner for miner, _ in unsuspected} | working & suspects == set(steps)


def test_a_draw_depends_on_nothing_but_its_arguments() -> None:
    filed = {f"miner {at}": 50 for at in range(20)}
    turned = dict(reversed(filed.items()))
    drawn = draw_audits(beacon(1), LABELS, filed, {"miner 3"})
    assert drawn == draw_audits(beacon(1), LABELS, turned, ["miner 3", "miner 3"])
    others = [("run", 7, 2, "another"), ("run", 8, 2, "validator"), ("other", 7, 2, "validator")]
    assert all(draw_audits(beacon(1), labels, filed, {"miner 3"}) != drawn for labels in others)
    assert draw_audits(beacon(2), LABELS, filed, {"miner 3"}) != drawn


def test_every_step_of_every_miner_is_as_likely() -> None:
    filed = {f"miner {at}": 5 for at in range(10)}
    counts = Counter(
        audit for number in range(2000) for audit in draw_audits(beacon(number), LABELS, filed, ())
    )
    assert len(counts) == 50
    assert all(15 <= count <= 70 for count in counts.values())  # 40, within four deviations


def test_whoever_fakes_is_caught_as_often_as_said() -> None:
    """With real draws: three validators, ten miners, one of them fakes every third step."""
    filed, epochs = {f"miner {at}": 30 for at in range(10)}, 1200
    met = sum(
        any(
            miner == "miner 4" and step % 3 == 0
            for validator in "abc"
            for miner, step in draw_audits(beacon(number), ("run", 1, 0, validator), filed, ())
        )
        for number in range(epochs)
    )
    assert met / epochs == pytest.approx(caught(1 / 3, audits=3, chance=0.1), abs=0.025)


def test_a_suspect_is_met_more_often() -> None:
    filed, epochs = {f"miner {at}": 30 for at in range(10)}, 500
    met = sum(
        any(
            miner == "miner 4" and step % 3 == 0
            for miner, step in draw_audits(beacon(number), LABELS, filed, {"miner 4"})
        )
        for number in range(epochs)
    )
    assert met / epochs == pytest.approx(caught(1 / 3, audits=SUSPECT_STEPS), abs=0.06)
    assert caught(1 / 3, audits=SUSPECT_STEPS) > 20 * caught(1 / 3, audits=1, chance=0.1)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="give more than 0"):
        draw_audits(beacon(1), LABELS, {"a": 1}, (), share)


def test_without_a_block_nobody_draws() -> None:
    with pytest.raises(InputError, match="block hash"):
        draw_audits("soon", LABELS, {"a": 1}, ())


def test_an_arbiter_is_one_of_those_not_heard() -> None:
    names = [f"validator {at}" for at in range(5)]
    drawn = [draw_arbiter(beacon(number), EVIDENCE, names) for number in range(200)]
    assert set(drawn) == set(names)
    assert drawn[3] == draw_arbiter(beacon(3), EVIDENCE, set(names))


# What that deters.


def test_the_specified_chances() -> None:
    assert caught(0.1, audits=3000, chance=0.01) == pytest.approx(0.95, abs=0.001)
    assert caught(1.0, audits=1, chance=0.1) == pytest.approx(0.1)
    assert caught(0.16, audits=10) == 1 - (1 - 0.16) ** 10


@pytest.mark.parametrize("faked", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize(
    ("validators", "chance", "window"),
    [(1, 0.1, 11), (3, 0.1, 4), (10, 0.1, 2), (3, 0.5, 1.2), (1, 1.0, 1.01)],
)
def test_the_table_of_deterrence(
    faked: float, validators: int, chance: float, window: float
) -> None:
    """Faking a share of an epoch gains at most its pay: then no share is better than another.

    From `window` epochs of pay on it loses; with a fifth of that it would not.
    """
    assert cheating_loses(faked, validators, chance, window, gain=faked)
    assert not cheating_loses(faked, validators, chance, window / 5, gain=faked)


@given(
    st.floats(0, 1), st.integers(1, 50), st.floats(0, 1), st.floats(0, 100), st.floats(1e-6, 100)
)
def test_the_designs_condition_is_the_first_term(
    faked: float, audits: int, chance: float, window: float, gain: float
) -> None:
    """It is necessary, and enough up to a tenth where audits x chance x c is below a fifth."""
    hits = audits * chance * faked
    if cheating_loses(faked, audits, chance, window, gain):
        assert hits * window > gain * (1 - 1e-9)
    if hits < 0.2 and 0.9 * hits * window > gain * (1 + 1e-9):
        assert cheating_loses(faked, audits, chance, window, gain)


def test_a_window_is_forfeited_once() -> None:
    """The first term alone says that three audits take three windows from whoever fakes it all."""
    assert not cheating_loses(faked=1.0, audits=3, chance=1.0, window=1.0, gain=2.0)


# Verdicts.


def verdict(validator: str, replayed: bytes, /, **changes: object) -> StepVerdict:
    given = StepVerdict(validator, "miner", LINK, EVIDENCE, replayed)
    return replace(given, **changes)  # type: ignore[arg-type]  # by name, from the tests below


def settled(*said: bytes, own: bytes | None = None) -> tuple[str, set[str]]:
    """By validators a, b, c, …"""
    verdicts = [verdict(name, replayed) for name, replayed in zip("abcdefgh", said, strict=False)]
    ruling, wrong = settle(LINK, EVIDENCE, verdicts, own)
    return ruling, set(wrong)


@pytest.mark.parametrize(
    ("said", "ruling", "wrong"),
    [
        ((), "open", ""),
        ((LINK,), "passed", ""),
        ((OTHER,), "open", ""),
        ((UNFIT,), "open", ""),
        ((OTHER, OTHER), "convicted", ""),
        ((UNFIT, UNFIT), "convicted", ""),
        ((OTHER, THIRD), "open", ""),
        ((LINK, OTHER), "open", ""),
        ((LINK, OTHER, OTHER), "convicted", "a"),
        ((LINK, LINK, OTHER), "passed", "c"),
        ((LINK, LINK, OTHER, OTHER), "open", ""),
        ((OTHER, OTHER, THIRD), "convicted", "c"),
        ((OTHER, THIRD, UNFIT, LINK), "open", ""),
    ],
)
def test_what_verdicts_come_to(said: tuple[bytes, ...], ruling: str, wrong: str) -> None:
    assert settled(*said) == (ruling, set(wrong))


@given(st.permutations([LINK, LINK, OTHER, OTHER, OTHER, THIRD, UNFIT]), st.integers(0, 7))
def test_the_order_of_verdicts_does_not_matter(said: list[bytes], count: int) -> None:
    verdicts = [verdict(name, each) for name, each in zip("abcdefg", said, strict=True)][:count]
    first = settle(LINK, EVIDENCE, verdicts)
    assert all(settle(LINK, EVIDENCE, each) == first for each in (verdicts[::-1], verdicts * 2))


@given(st.lists(st.sampled_from([LINK, OTHER, THIRD, UNFIT]), max_size=8))
def test_a_plain_count_comes_to_the_same(said: list[bytes]) -> None:
    votes = {each: said.count(each) for each in said}
    leading = [each for each, count in votes.items() if count > len(said) / 2]
    needed = {each: 1 if each == LINK else CONVICTING for each in votes}
    expected = "open"
    if leading and votes[leading[0]] >= needed[leading[0]]:
        expected = "passed" if leading[0] == LINK else "convicted"
    ruling, wrong = settled(*said)
    assert ruling == expected
    assert len(wrong) == (0 if ruling == "open" else len(said) - votes[leading[0]])


@given(
    st.lists(st.sampled_from([LINK, OTHER, UNFIT]), max_size=8),
    st.sampled_from([LINK, OTHER, UNFIT]),
)
def test_a_readers_own_replay_outranks_any_number(said: list[bytes], own: bytes) -> None:
    """Any number of validators that lie alike is shown wrong by whoever replays the evidence."""
    ruling, wrong = settled(*said, own=own)
    assert ruling == ("passed" if own == LINK else "convicted")
    assert wrong == {name for name, each in zip("abcdefgh", said, strict=False) if each != own}


def test_silence_convicts_nobody() -> None:
    """Nothing was handed over, so nothing can be shown, whatever validators say."""
    accusing = [verdict(name, OTHER) for name in "abcde"]
    assert settle(LINK, None, accusing) == ("silent", frozenset())


@pytest.mark.parametrize(
    "changes",
    [{"evidence": THIRD}, {"link": THIRD}, {"same_class": False}],
    ids=["other evidence", "another link", "another class"],
)
def test_verdicts_on_something_else_say_nothing(changes: dict[str, object]) -> None:
    """Evidence is what the miner handed over, not what a validator says that it was."""
    accusing = [verdict(name, OTHER, **changes) for name in "abc"]
    assert settle(LINK, EVIDENCE, accusing) == ("open", frozenset())
    assert settle(LINK, EVIDENCE, [*accusing, verdict("d", LINK)]) == ("passed", frozenset())


def test_one_validator_has_one_voice() -> None:
    assert settle(LINK, EVIDENCE, [verdict("a", OTHER)] * 5) == ("open", frozenset())


def test_who_says_both_is_wrong_in_any_case() -> None:
    both = [verdict("a", OTHER), verdict("a", LINK)]
    assert settle(LINK, EVIDENCE, both) == ("open", frozenset("a"))
    assert settle(LINK, EVIDENCE, [*both, verdict("b", OTHER)]) == ("open", frozenset("a"))
    assert settle(LINK, EVIDENCE, [*both, verdict("b", LINK)]) == ("passed", frozenset("a"))


def test_what_is_signed_says_all() -> None:
    """No two verdicts have the same bytes, wherever names end."""
    names = ["a", "ab", "b", "", "mi"]
    digests = [LINK, OTHER]
    verdicts = [
        StepVerdict(validator, miner, link, evidence, replayed, same_class)
        for validator, miner in itertools.product(names, names)
        for link, evidence in itertools.product(digests, digests)
        for replayed in (LINK, UNFIT)
        for same_class in (True, False)
    ]
    assert len({each.signed_bytes() for each in verdicts}) == len(verdicts)
    signed = replace(verdicts[0], signature=bytes([1]) * 64)
    assert signed.signed_bytes() == verdicts[0].signed_bytes()


@pytest.mark.parametrize(
    "changes",
    [{"link": b""}, {"evidence": bytes(31)}, {"replayed": bytes(33)}, {"signature": bytes(63)}],
)
def test_a_verdict_without_evidence_is_none(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="digests of 32 bytes"):
        verdict("a", LINK, **changes)
