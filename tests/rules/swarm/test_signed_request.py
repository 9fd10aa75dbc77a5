"""Signed requests: the exact bytes, each refusal with its own reason, replays and clocks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.swarm.signed_request import (
    BUCKET_MS,
    HOT_MS,
    MOST_NONCES,
    NORMAL_MS,
    WINDOW_MS,
    Refusal,
    RefusalReason,
    SignedRequest,
    SignerMemory,
    Verified,
    read_request,
    verify_request,
)
from tests.rules.swarm.signed_requests import (
    ALICE,
    ALICE_OF_POLKADOT,
    BOB,
    BODY,
    NONCE,
    NOW,
    TERMS,
    Reason,
    headers,
    judged,
    message_of,
    reason_of,
    request_of,
)

# --- the bytes -----------------------------------------------------------------------------------


def test_signed_bytes_are_these() -> None:
    expected = (
        "iota-request-v3\nPOST\nswarm.example:8443\n/receipts?epoch=7\nrun-1\n"
        f"{BOB}\n{blake3(BODY).hexdigest()}\n{NONCE}\n1900000000000"
    )
    assert message_of() == expected.encode()
    assert request_of().message == expected.encode()


def test_a_good_request_is_served_and_remembered() -> None:
    outcome = judged(request_of())
    assert isinstance(outcome, Verified)
    assert outcome
    assert outcome.memory.seen == {NONCE: NOW}
    assert outcome.request.signer == ALICE


def test_real_keys_sign_these_bytes() -> None:
    keys = pytest.importorskip("bittensor_core")
    pair = keys.Keypair.create_from_uri("//Alice")
    assert pair.ss58_address == ALICE

    def verify(signer: str, message: bytes, signature: bytes) -> object:
        return keys.Keypair(ss58_address=signer).verify(message, signature)

    good = replace(request_of(), signature=pair.sign(message_of()))
    assert verify_request(good, SignerMemory(), NORMAL_MS, NOW, verify)
    for wrong in (bytes(64), b"short", pair.sign(message_of(at=NOW + 1))):
        forged = replace(good, signature=wrong)
        outcome = verify_request(forged, SignerMemory(), NORMAL_MS, NOW, verify)
        assert reason_of(outcome) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (":method", "PUT"),
        (":path", "/receipts?epoch=8"),
        ("Epistula-Uuid", NONCE[::-1]),
        ("Epistula-Timestamp", str(NOW + 1)),
        ("Epistula-Request-Signature", "0x" + "0" * 128),
        ("body", "{}"),
    ],
)
def test_no_signed_part_can_be_changed(part: str, value: str) -> None:
    body = value.encode() if part == "body" else BODY
    read = read_request(TERMS, {**headers(), part: value}.items(), body)
    assert isinstance(read, SignedRequest)
    assert reason_of(judged(read)) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("field", ["hotkey", "run", "authority"])
def test_a_request_for_another_receiver_does_not_verify_here(field: str) -> None:
    """Even where the headers, which are not signed, are made to fit."""
    elsewhere = replace(TERMS, **{field: ALICE})
    header = {"hotkey": "Epistula-Signed-For", "run": "Epistula-Run", "authority": ":authority"}
    read = read_request(elsewhere, {**headers(), header[field]: ALICE}.items(), BODY)
    assert isinstance(read, SignedRequest)
    assert reason_of(judged(read)) is Reason.BAD_SIGNATURE


@given(st.tuples(*[st.text("/ab\n", min_size=1, max_size=4)] * 2))
def test_what_is_read_is_signed_one_way_only(parts: tuple[str, str]) -> None:
    """Two requests that are read have the same bytes only if they are the same."""
    texts = {}
    for path in parts:
        read = read_request(TERMS, {**headers(), ":path": path}.items(), BODY)
        if isinstance(read, SignedRequest):
            assert read.message.count(b"\n") == 8
            texts[read.message] = path
    assert len(texts) == len({path for path in parts if path[0] == "/" and "\n" not in path})


# --- refusals before cryptography ----------------------------------------------------------------

MALFORMED = {
    "Epistula-Timestamp": [
        "",
        "0",
        "1" * 14,
        "0" + "1" * 12,
        f"+{NOW}"[:13],
        "1.9e12",
        f"{NOW}\n",
        str(NOW // 1000),
    ],
    "Epistula-Uuid": ["", NONCE.upper(), NONCE[1:], NONCE + "0", "g" * 32, f"0x{NONCE[2:]}"],
    "Epistula-Signed-By": ["", ALICE[:-5], ALICE + "1", "0" * 48, "5O" + ALICE[2:], ALICE + "\n"],
    "Epistula-Signed-For": ["", BOB[:-5], "l" * 48],
    "Epistula-Run": ["", "run 1", "-run", "r" * 65, "run\n1", "rün"],
    "Epistula-Request-Signature": ["", "0x", "0x" + "0" * 127, "0x" + "F" * 128, "0" * 130],
    ":method": ["", "post", "POST ", "POST\nGET", "P", "CONNECTX"],
    ":path": ["", "receipts", "/a b", "/a#b", "/\n", "/ü", "/" + "a" * 2048, "/\x7f"],
    ":authority": ["", "a b", "a\nb", "ä", "a" * 256],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values]
)
def test_a_malformed_part_is_named(name: str, value: str) -> None:
    outcome = read_request(TERMS, {**headers(), name: value}.items(), BODY)
    assert reason_of(outcome) is Reason.MALFORMED
    assert isinstance(outcome, Refusal)
    assert outcome.detail == name.lower()


@pytest.mark.parametrize("name", headers())
def test_a_missing_or_doubled_header_is_named(name: str) -> None:
    said = headers()
    value = said.pop(name)
    missing = read_request(TERMS, said.items(), BODY)
    assert missing == Refusal(Reason.MISSING_HEADER, name.lower())
    twice = [*said.items(), (name.upper(), value), (name, value)]
    assert read_request(TERMS, twice, BODY) == Refusal(Reason.DUPLICATE_HEADER, name.lower())


@pytest.mark.parametrize("version", ["2", "4", "", "03", "3 ", "x", "\u0663"])
def test_an_unknown_version_is_refused_whatever_else_it_says(version: str) -> None:
    said = {"Epistula-Version": version, "Epistula-Uuid": "not ours"}
    assert reason_of(read_request(TERMS, said.items(), BODY)) is Reason.UNKNOWN_VERSION


@pytest.mark.parametrize(
    ("change", "body", "reason"),
    [
        ({}, bytes(65), Reason.BODY_TOO_LARGE),
        ({":authority": "swarm.example"}, BODY, Reason.WRONG_AUTHORITY),
        ({"Epistula-Signed-For": ALICE}, BODY, Reason.WRONG_RECEIVER),
        ({"Epistula-Run": "run-2"}, BODY, Reason.WRONG_RUN),
        ({"Epistula-Signed-By": BOB}, BODY, Reason.UNKNOWN_SIGNER),
        ({"Epistula-Signed-By": ALICE_OF_POLKADOT}, BODY, Reason.UNKNOWN_SIGNER),
    ],
)
def test_what_is_for_another_or_by_nobody_is_refused(
    change: dict[str, str], body: bytes, reason: RefusalReason
) -> None:
    assert reason_of(read_request(TERMS, {**headers(), **change}.items(), body)) is reason


def test_a_body_at_the_limit_is_read() -> None:
    assert isinstance(read_request(TERMS, headers().items(), bytes(64)), SignedRequest)


@given(st.lists(st.tuples(st.sampled_from([*headers()]) | st.text(max_size=5), st.text())))
def test_no_headers_raise(said: list[tuple[str, str]]) -> None:
    assert isinstance(read_request(TERMS, said, BODY), Refusal)


# --- clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skew", "reason"),
    [
        (-WINDOW_MS - 1, Reason.STALE),
        (-WINDOW_MS, None),
        (WINDOW_MS, None),
        (WINDOW_MS + 1, Reason.FROM_THE_FUTURE),
        (-(10**11), Reason.STALE),
    ],
)
def test_the_window_is_ten_seconds_both_ways(skew: int, reason: RefusalReason | None) -> None:
    outcome = judged(request_of(at=NOW + skew))
    assert bool(outcome) is (reason is None)
    assert reason is None or reason_of(outcome) is reason


def test_an_untimely_request_costs_no_cryptography() -> None:
    def never(*_: object) -> bool:
        raise AssertionError("verified before it was read")

    for now in (NOW - WINDOW_MS - 1, NOW + WINDOW_MS + 1):
        assert not verify_request(request_of(), SignerMemory(), NORMAL_MS, now, never)


def test_a_restart_forgets_no_nonce_below_its_floor() -> None:
    restarted = SignerMemory(floor_ms=NOW)
    assert reason_of(judged(request_of(), restarted)) is Reason.STALE
    assert judged(request_of(at=NOW + 1), restarted)


# --- signatures ----------------------------------------------------------------------------------


def test_only_true_is_a_yes() -> None:
    answers: list[object] = [False, None, 1, "Signature Mismatch", "ok", Refusal(Reason.STALE)]
    for answer in answers:
        outcome = verify_request(
            request_of(), SignerMemory(), NORMAL_MS, NOW, lambda *_, said=answer: said
        )
        assert reason_of(outcome) is Reason.BAD_SIGNATURE


def test_an_error_of_the_check_is_no_yes() -> None:
    def invalid(*_: object) -> bool:
        raise ValueError("invalid signature length")

    def broken(*_: object) -> bool:
        raise OSError("no keys")

    outcome = verify_request(request_of(), SignerMemory(), NORMAL_MS, NOW, invalid)
    assert reason_of(outcome) is Reason.BAD_SIGNATURE
    with pytest.raises(OSError, match="no keys"):
        verify_request(request_of(), SignerMemory(), NORMAL_MS, NOW, broken)


# --- replays -------------------------------------------------------------------------------------


def test_a_request_is_served_once() -> None:
    first = judged(request_of())
    assert isinstance(first, Verified)
    for later in (0, 1, WINDOW_MS):
        assert reason_of(judged(request_of(), first.memory, NOW + later)) is Reason.REPLAYED
    assert reason_of(judged(request_of(), first.memory, NOW + WINDOW_MS + 1)) is Reason.STALE


def test_one_nonce_may_come_back_once_it_is_forgotten() -> None:
    memory = judged(request_of())
    assert isinstance(memory, Verified)
    late = NOW + WINDOW_MS + 1
    other = judged(request_of("f" * 32, late), memory.memory, late)
    assert isinstance(other, Verified)
    assert other.memory.seen == {"f" * 32: late}


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(-15_000, 15_000), st.integers(-12_000, 12_000)),
        max_size=40,
    )
)
def test_no_request_is_served_twice_whatever_the_clock_does(
    tries: list[tuple[int, int, int]],
) -> None:
    """A hundred requests at most, tried in any order while the receiver's clock jumps about."""
    memory, now, served = SignerMemory(), NOW, []
    for number, skew, jump in tries:
        now += jump
        request = request_of(f"{number:032x}", NOW + skew // 5_000 * 5_000)
        outcome = judged(request, memory, now, cost=0)
        if isinstance(outcome, Verified):
            served.append(request.message)
            assert abs(now - request.timestamp_ms) <= WINDOW_MS
            assert outcome.memory.floor_ms >= memory.floor_ms
            assert min(outcome.memory.seen.values()) > outcome.memory.floor_ms
            memory = outcome.memory
    assert len(served) == len(set(served))


def test_refusals_leave_memory_as_it_is() -> None:
    """Nobody spends another's tokens or nonces: not by forging, nor by sending again."""
    memory = SignerMemory()
    forged = replace(request_of(), signature=bytes(64))
    for _ in range(100):
        assert reason_of(judged(forged, memory)) is Reason.BAD_SIGNATURE
    served = judged(request_of(), memory)
    assert isinstance(served, Verified)
    for _ in range(100):
        assert reason_of(judged(request_of(), served.memory)) is Reason.REPLAYED
    assert judged(request_of("f" * 32), served.memory)


def test_nonces_are_bounded() -> None:
    full = SignerMemory(0, 0, {f"{number:032x}": NOW for number in range(MOST_NONCES)})
    assert reason_of(judged(request_of("f" * 32), full)) is Reason.TOO_MANY_NONCES
    later = NOW + WINDOW_MS + 1
    assert judged(request_of("f" * 32, later), full, later)


def test_limits_keep_nonces_far_below_their_bound() -> None:
    """As fast as the hot limit allows, with the clock furthest ahead: what is kept, is needed."""
    memory, most = SignerMemory(), 0
    for tick in range(0, 60_000, HOT_MS // 2):
        now = NOW + tick
        request = request_of(f"{tick:032x}", now + WINDOW_MS)
        outcome = judged(request, memory, now, HOT_MS)
        memory = outcome.memory if isinstance(outcome, Verified) else memory
        most = max(most, len(memory.seen))
    assert most == (BUCKET_MS + 2 * WINDOW_MS) // HOT_MS
    assert most < MOST_NONCES // 8


def test_every_reason_is_told_apart() -> None:
    assert len({each.value for each in RefusalReason}) == len(RefusalReason) == 16
