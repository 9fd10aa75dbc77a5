"""A signed request: the bytes that are signed, what is refused and why, and how often one may ask.

All is parsed before any cryptography, and each value has one spelling. Specification 2, with three
gaps closed: a signer is a hotkey of the subnet as the chain spells it (another address format of
its key would have nonces of its own); a forgotten nonce lies below a floor in time that never
sinks, so no clock set back replays it; a refusal costs the signer neither nonce nor token, so
nobody empties another's bucket with forged or old requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from blake3 import blake3

WINDOW_MS = 10_000
MOST_NONCES = 4_096
"""Of one signer, in the 20 s for which one can be needed; the limits let through far fewer."""
MOST_ADDRESSES = 4_096
BUCKET_MS, NORMAL_MS, HOT_MS = 5_000, 1_000, 100
"""A bucket of tokens is 5 s, of which a request takes its cost: 5 normal ones or 50 hot at once."""

_SS58 = r"[1-9A-HJ-NP-Za-km-z]{46,48}"
_FORMS = {
    "epistula-version": "3",
    "epistula-timestamp": r"[1-9][0-9]{12}",
    "epistula-uuid": r"[0-9a-f]{32}",
    "epistula-signed-by": _SS58,
    "epistula-signed-for": _SS58,
    "epistula-run": r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "epistula-request-signature": r"0x[0-9a-f]{128}",
    ":method": r"[A-Z]{3,7}",
    ":authority": r"[!-~]{1,255}",
    ":path": r"/[!-\"$-~]{0,2047}",
}
IsSigned = Callable[[str, bytes, bytes], object]
"""Whether a hotkey signed a message: `True` is a yes; all else, a ValueError too, is a no."""


class RefusalReason(StrEnum):
    """Why a request is refused, in the order of the checks."""

    ADDRESS_TOO_FAST = "address_too_fast"
    DUPLICATE_HEADER = "duplicate_header"
    MISSING_HEADER = "missing_header"
    UNKNOWN_VERSION = "unknown_version"
    MALFORMED = "malformed"
    BODY_TOO_LARGE = "body_too_large"
    WRONG_AUTHORITY = "wrong_authority"
    WRONG_RECEIVER = "wrong_receiver"
    WRONG_RUN = "wrong_run"
    UNKNOWN_SIGNER = "unknown_signer"
    STALE = "stale"
    FROM_THE_FUTURE = "from_the_future"
    BAD_SIGNATURE = "bad_signature"
    REPLAYED = "replayed"
    SIGNER_TOO_FAST = "signer_too_fast"
    TOO_MANY_NONCES = "too_many_nonces"


@dataclass(frozen=True)
class Refusal:
    """A request that is not served; it is false to whoever asks."""

    reason: RefusalReason
    detail: str = ""
    retry_after_ms: int = 0

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class RouteTerms:
    """Who receives, whose requests, and what the route that is asked for allows."""

    hotkey: str
    run: str
    authority: str
    hotkeys: Collection[str]
    largest_body: int


@dataclass(frozen=True)
class SignedRequest:
    """A request that has been read, and of which nothing is believed."""

    signer: str
    message: bytes
    signature: bytes
    nonce: str
    timestamp_ms: int


@dataclass(frozen=True)
class SignerMemory:
    """Of one signer: nonces with their timestamps, all above the floor, and the bucket.

    After a restart the floor is the newest timestamp that may have been accepted before it.
    """

    floor_ms: int = 0
    full_at_ms: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verified:
    """A request that is served, and what to remember of its signer from now on."""

    request: SignedRequest
    memory: SignerMemory


def take(full_at_ms: int, cost_ms: int, now_ms: int) -> tuple[int, int]:
    """The wait until a bucket lets a request through, 0 if now, and when it is full after that.

    All of a bucket's state is the millisecond at which it is full again, so nothing is rounded; a
    clock that is set back makes nobody wait longer than for one token.
    """
    full = min(max(full_at_ms, now_ms), now_ms + BUCKET_MS) + cost_ms
    return max(0, full - now_ms - BUCKET_MS), full


def signed_message(
    terms: RouteTerms, method: str, path: str, body: bytes, nonce: str, timestamp_ms: int
) -> bytes:
    """The bytes that are signed; no part holds a line break, so they are read one way only."""
    where = ("iota-request-v3", method, terms.authority, path, terms.run, terms.hotkey)
    return "\n".join((*where, blake3(body).hexdigest(), nonce, str(timestamp_ms))).encode()


def read_request(
    terms: RouteTerms, headers: Iterable[tuple[str, str]], body: bytes
) -> SignedRequest | Refusal:
    """What a request says; its method, authority and path (with the query) are headers as well."""
    said = _read_headers(headers)
    if isinstance(said, Refusal):
        return said
    _, at, nonce, signer, receiver, run, signature, method, authority, path = said
    checks = {
        RefusalReason.BODY_TOO_LARGE: len(body) > terms.largest_body,
        RefusalReason.WRONG_AUTHORITY: authority != terms.authority,
        RefusalReason.WRONG_RECEIVER: receiver != terms.hotkey,
        RefusalReason.WRONG_RUN: run != terms.run,
        RefusalReason.UNKNOWN_SIGNER: signer not in terms.hotkeys,
    }
    if any(checks.values()):
        return Refusal(next(reason for reason, failed in checks.items() if failed))
    message = signed_message(terms, method, path, body, nonce, int(at))
    return SignedRequest(signer, message, bytes.fromhex(signature[2:]), nonce, int(at))


def verify_request(
    request: SignedRequest, memory: SignerMemory, cost_ms: int, now_ms: int, signed: IsSigned
) -> Verified | Refusal:
    """Whether to serve it: fresh both ways, signed, new, and not too often."""
    age = now_ms - request.timestamp_ms
    if age > WINDOW_MS or request.timestamp_ms <= memory.floor_ms:
        return Refusal(RefusalReason.STALE, f"signed {age:,} ms ago")
    if -age > WINDOW_MS:
        return Refusal(RefusalReason.FROM_THE_FUTURE, f"signed {-age:,} ms ahead")
    if not _is_signed(request, signed):
        return Refusal(RefusalReason.BAD_SIGNATURE)
    if request.nonce in memory.seen:
        return Refusal(RefusalReason.REPLAYED)
    wait, full_at = take(memory.full_at_ms, cost_ms, now_ms)
    if wait:
        return Refusal(RefusalReason.SIGNER_TOO_FAST, retry_after_ms=wait)
    floor = max(memory.floor_ms, now_ms - WINDOW_MS - 1)
    seen = {nonce: at for nonce, at in memory.seen.items() if at > floor}
    if len(seen) >= MOST_NONCES:
        return Refusal(RefusalReason.TOO_MANY_NONCES)
    remembered = {**seen, request.nonce: request.timestamp_ms}
    return Verified(request, SignerMemory(floor, full_at, remembered))


def spend_address(
    buckets: Mapping[str, int], address: str, cost_ms: int, now_ms: int
) -> dict[str, int] | Refusal:
    """Addresses' buckets after one request more, of which nothing has been read yet.

    Full buckets are forgotten; of too many, the one nearest to full, which forgives it least.
    """
    wait, full_at = take(buckets.get(address, 0), cost_ms, now_ms)
    if wait:
        return Refusal(RefusalReason.ADDRESS_TOO_FAST, address, wait)
    others = {each: at for each, at in buckets.items() if at > now_ms and each != address}
    if len(others) >= MOST_ADDRESSES:
        del others[min(others, key=lambda each: (others[each], each))]
    return {**others, address: full_at}


def _read_headers(headers: Iterable[tuple[str, str]]) -> list[str] | Refusal:
    """Each header that counts, once and well-formed, in the order of their forms."""
    said: dict[str, str] = {}
    for name, value in ((name.lower(), value) for name, value in headers):
        if name in said:
            return Refusal(RefusalReason.DUPLICATE_HEADER, name)
        if name in _FORMS:
            said[name] = value
    for name, form in _FORMS.items():
        if name not in said:
            return Refusal(RefusalReason.MISSING_HEADER, name)
        if not re.fullmatch(form, said[name]):
            version = name == "epistula-version"
            reason = RefusalReason.UNKNOWN_VERSION if version else RefusalReason.MALFORMED
            return Refusal(reason, name)
    return [said[name] for name in _FORMS]


def _is_signed(request: SignedRequest, signed: IsSigned) -> bool:
    try:
        return signed(request.signer, request.message, request.signature) is True
    except ValueError:
        return False
