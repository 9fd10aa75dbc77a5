"""A butterfly: fair pairs, agreement, and a whole merge whoever is lost when; or none."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.swarm import butterfly, reduction
from iotapretrain.rules.swarm.butterfly import (
    Shard,
    assembled,
    draw_shards,
    pairs,
    settled,
    traffic,
)
from iotapretrain.rules.swarm.merge_codes import BF16, BLOCK, CODES, TWO_BIT, Floats, MergeCode
from iotapretrain.rules.swarm.reduction import (
    PIECE,
    Announcement,
    Contribution,
    announced_digests,
    received,
    reduced,
)

BEACON = "0x" + "5c" * 32
LINE = tuple("abcde")
A, B, C = b"A", b"B", b"C"


def names(members: int) -> list[str]:
    return [f"5{i:03}" for i in range(members)]


def shards_of(members: int, parameters: int, beacon: str = BEACON) -> tuple[Shard, ...]:
    return draw_shards(beacon, "run", 3, 1, names(members), parameters)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(butterfly, "PIECE", BLOCK)
    monkeypatch.setattr(reduction, "PIECE", BLOCK)


# --- shards and lines ----------------------------------------------------------------------------


@pytest.mark.parametrize("members", range(2, 41))
def test_every_pair_meets_once_and_loads_differ_by_one_at_any_time(members: int) -> None:
    loads = Counter(dict.fromkeys(range(members), 0))
    met = set()
    for pair in pairs(members):
        met.add(frozenset(pair))
        loads.update(pair)
        assert max(loads.values()) - min(loads.values()) <= 1
    assert met == {frozenset(pair) for pair in combinations(range(members), 2)}
    assert loads.total() == members * (members - 1)


@given(st.integers(2, 30), st.integers(1, 600 * PIECE))
def test_shards_are_runs_of_whole_blocks(members: int, parameters: int) -> None:
    shards = shards_of(members, parameters)
    blocks = -(-parameters // PIECE)
    assert len(shards) == min(members * (members - 1) // 2, blocks)
    assert [s.first for s in shards] == [0, *(s.end for s in shards[:-1])]
    assert shards[-1].end == parameters
    assert all(s.first % PIECE == 0 for s in shards)
    sizes = {-(-(s.end - s.first) // PIECE) for s in shards}
    assert max(sizes) - min(sizes) <= 1
    loads = Counter(each for s in shards for each in s.line[:2])
    counts = [loads[each] for each in names(members)]
    assert max(counts) - min(counts) <= 1
    assert all(sorted(s.line) == names(members) for s in shards)


def test_lines_follow_from_the_beacon_alone() -> None:
    shards = shards_of(7, 30 * PIECE)
    shuffled = draw_shards(BEACON, "run", 3, 1, names(7)[::-1], 30 * PIECE)
    assert shuffled == shards
    for other in (
        shards_of(7, 30 * PIECE, "0x" + "5d" * 32),
        draw_shards(BEACON, "other", 3, 1, names(7), 30 * PIECE),
        draw_shards(BEACON, "run", 4, 1, names(7), 30 * PIECE),
        draw_shards(BEACON, "run", 3, 2, names(7), 30 * PIECE),
    ):
        assert [s.line for s in other] != [s.line for s in shards]
    thirds = Counter(s.line[2] for s in shards_of(7, 21 * PIECE))
    assert len(thirds) >= 4


def test_pairs_are_drawn_evenly() -> None:
    """One shard among five members, over many beacons: each pair a tenth of the time."""
    drawn = Counter(frozenset(shards_of(5, 1, f"0x{i:064x}")[0].line[:2]) for i in range(2000))
    assert len(drawn) == 10
    assert all(130 <= each <= 270 for each in drawn.values())


@pytest.mark.parametrize(("members", "parameters"), [(0, 5), (1, 5), (3, 0)])
def test_no_butterfly_of_one(members: int, parameters: int) -> None:
    with pytest.raises(InputError, match="a butterfly of"):
        shards_of(members, parameters)


@pytest.mark.parametrize(("lost", "percent"), [(5, 99.2), (10, 96.3), (17, 88.9), (25, 75.5)])
def test_shards_that_keep_a_holder_are_the_specifications(lost: int, percent: float) -> None:
    """Of 50 members; whoever is lost, 1 - k (k - 1) / (N (N - 1)) of all pairs keep one."""
    shards = shards_of(50, 1225 * PIECE)
    for gone in (set(names(50)[:lost]), set(names(50)[-lost:]), set(names(50)[3 : 3 + lost])):
        kept = sum(not gone.issuperset(each.line[:2]) for each in shards) / len(shards)
        assert kept == pytest.approx(1 - lost * (lost - 1) / (50 * 49))
        assert round(100 * kept, 1) == pytest.approx(percent, abs=0.11)


# --- agreement -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "lost", "digest", "asked", "differing"),
    [
        ({}, "", None, "ab", ""),
        ({"a": A}, "", None, "ab", ""),
        ({"a": A, "b": A}, "", A, "ab", ""),
        ({"a": A, "b": B}, "", None, "abc", ""),
        ({"a": A, "b": B, "c": B}, "", B, "abc", "a"),
        ({"a": A, "b": B, "c": C}, "", None, "abcd", ""),
        ({"a": A, "b": B, "c": C, "d": A}, "", A, "abcd", "bc"),
        ({"a": A}, "b", None, "ac", ""),
        ({"a": A, "c": A}, "b", A, "ac", ""),
        ({"a": A, "c": A}, "", None, "ab", ""),
        ({"a": A, "b": A}, "ab", A, "ab", ""),
        ({"a": A}, "ab", None, "ac", ""),
        ({}, "abc", None, "de", ""),
        ({"a": A, "b": B}, "c", None, "abd", ""),
    ],
)
def test_who_is_asked_and_what_is_agreed(
    said: dict[str, bytes], lost: str, digest: bytes | None, asked: str, differing: str
) -> None:
    found = settled(LINE, said, set(lost))
    assert (found.digest, "".join(found.asked)) == (digest, asked)
    assert found.differing == set(differing)
    assert not found.hopeless


@pytest.mark.parametrize(
    ("said", "lost"),
    [({}, "abcd"), ({}, "abcde"), (dict(zip(LINE, [A, B, C, b"D", b"E"], strict=True)), "")],
)
def test_without_two_there_is_no_agreement(said: dict[str, bytes], lost: str) -> None:
    found = settled(LINE, said, set(lost))
    assert found.hopeless
    assert found.digest is None


@given(
    st.lists(st.tuples(st.sampled_from(LINE), st.sampled_from(["lost", A, A, B, C])), max_size=20)
)
def test_an_agreement_holds_whatever_comes_later(events: list[tuple[str, bytes | str]]) -> None:
    """And it is always of two that were asked, and differ from nobody else than it names."""
    said: dict[str, bytes] = {}
    lost: set[str] = set()
    agreed = None
    for who, what in events:
        if isinstance(what, str):
            lost.add(who)
        elif who not in lost:
            said.setdefault(who, what)
        found = settled(LINE, said, lost)
        assert agreed in (None, found.digest)
        agreed = found.digest
        if agreed is not None:
            voters = {each for each in found.asked if said.get(each) == agreed}
            assert len(voters) == 2
            assert found.differing == {e for e in found.asked if e in said} - voters
        elif found.hopeless:
            assert len(set(LINE) - lost | said.keys()) < 2 or len(set(said.values())) == len(said)
        else:
            assert set(found.asked) - said.keys(), "nobody is waited for"
            assert not set(found.asked) & lost - said.keys(), "one who is lost is waited for"


# --- a whole butterfly ---------------------------------------------------------------------------

MOMENTS = ("before announcing", "before publishing", "after the draw", "after one", "at the end")


def merge(
    members: int, lost: set[str], moment: str, liars: set[str] = frozenset()
) -> tuple[Floats | None, Floats | None, set[str]]:
    """What a butterfly gives, what it ought to give, and who said something else than agreed."""
    count = 3 * BLOCK * members - 100
    rng = np.random.default_rng(members)
    common = rng.standard_normal(count)
    content = {
        name: TWO_BIT.encode((common + rng.standard_normal(count)).astype(np.float32))
        for name in names(members)
    }
    there = set(names(members)) - (lost if moment in MOMENTS[:2] else set())
    if len(there) < 2:
        return None, None, set()
    shards = draw_shards(BEACON, "run", 0, 0, there, count)
    log = [Announcement(n, 1, announced_digests(n, content[n], TWO_BIT)) for n in sorted(there)]

    def result(shard: Shard) -> bytes:
        part, size = shard.bytes_in(TWO_BIT), shard.end - shard.first
        found = {
            each.hotkey: received(
                shard.announced(each),
                [(0, content[each.hotkey][part.start : part.stop])],
                *(0, TWO_BIT, size),
            )
            for each in log
        }
        assert all(isinstance(each, Contribution) for each in found.values())
        direction, _ = reduced(found, "mean", 2, {})
        return b"" if direction is None else BF16.encode(direction)

    right = [result(shard) for shard in shards]
    expected = assembled(shards, right)
    said: list[dict[str, bytes]] = [{} for _ in shards]
    done: Counter[str] = Counter()
    results: list[bytes | None] = [None] * len(shards)
    differing: set[str] = set()
    for number, shard in enumerate(shards):
        while True:
            gone = set() if moment == "at the end" else lost & there
            found = settled(shard.line, said[number], gone)
            if found.digest is not None or found.hopeless:
                break
            for name in found.asked:
                finished = done[name] >= 1 if moment == "after one" else True
                if name in gone and (finished or moment == "after the draw"):
                    continue
                lie = name in liars
                said[number][name] = name.encode() if lie else right[number][:64] + b"right"
                done[name] += 1
        differing |= found.differing
        agreed = found.digest == right[number][:64] + b"right"
        results[number] = right[number] if agreed else None
        if found.digest is not None:
            assert agreed, "a lie was agreed on"
    return assembled(shards, results), expected, differing


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("members", [2, 3, 5, 6])
def test_any_members_lost_at_any_moment(members: int, moment: str) -> None:
    """Whole, and the same as if nobody was lost, as long as two are left; never a part."""
    for many in range(members + 1):
        merged, expected, differing = merge(members, set(names(members)[:many]), moment)
        left = members if moment == "at the end" else members - many
        if left >= 2:
            assert merged is not None
            assert expected is not None
            assert merged.tobytes() == expected.tobytes()
        elif merged is not None:
            assert moment == "after one"
            assert merged.tobytes() == expected.tobytes()  # type: ignore[union-attr]
        assert not differing


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_liars_that_do_not_collude_change_nothing_and_are_all_named(data: st.DataObject) -> None:
    members = data.draw(st.integers(3, 6))
    who = st.permutations(names(members))
    liars = set(data.draw(who)[: data.draw(st.integers(0, members - 2))])
    merged, expected, differing = merge(members, set(), "at the end", liars)
    assert merged is not None
    assert expected is not None
    assert merged.tobytes() == expected.tobytes()
    assert differing <= liars
    if members % 2 == 0 or members == 3:
        assert differing == liars  # everybody holds a shard


def test_a_merge_is_whole_or_not_at_all() -> None:
    shards = shards_of(3, 2 * PIECE)
    result = BF16.encode(np.ones(PIECE, np.float32))
    assert assembled(shards, [result, None]) is None
    assert assembled(shards, [b"", result]) is None
    whole = assembled(shards, [result, result])
    assert whole is not None
    assert len(whole) == 2 * PIECE


# --- bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "up", "down"),
    [(5, 1.40, 2.20), (10, 1.20, 2.60), (50, 1.04, 2.92), (100, 1.02, 2.96)],
)
def test_bytes_are_the_specifications(members: int, up: float, down: float) -> None:
    """Contributions and results in bf16, shards of one size: 4 W - 2 W / N, to the byte."""
    parameters = members * (members - 1) // 2 * PIECE
    shards, whole = shards_of(members, parameters), BF16.size(parameters)
    for name in names(members):
        sent, fetched = traffic(shards, name, BF16)
        assert members * (sent + fetched) == 4 * members * whole - 2 * whole
        assert (sent / whole, fetched / whole) == pytest.approx((up, down))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("code", CODES.values(), ids=list(CODES))
@pytest.mark.parametrize("members", [2, 3, 6, 7])
def test_bytes_that_moved_are_those_by_arithmetic(code: MergeCode, members: int) -> None:
    count = 17 * BLOCK + 100
    content = {name: code.encode(np.ones(count, np.float32)) for name in names(members)}
    shards = shards_of(members, count)
    sent = Counter({name: len(each) for name, each in content.items()})
    fetched: Counter[str] = Counter()
    for shard in shards:
        part, size = shard.bytes_in(code), shard.end - shard.first
        result = BF16.encode(np.ones(size, np.float32))
        for name in names(members):
            if name not in shard.line[:2]:
                fetched[name] += len(result)
                continue
            for other in set(names(members)) - {name}:
                piece = content[other][part.start : part.stop]
                assert len(code.decode(piece, size)) == size
                fetched[name] += len(piece)
            sent[name] += len(result)
    for name in names(members):
        assert traffic(shards, name, code) == (sent[name], fetched[name])
