"""A good request, and a memory to judge it by."""

from __future__ import annotations

import hashlib

from iotapretrain.rules.swarm.signed_request import (
    NORMAL_MS,
    Refusal,
    RefusalReason,
    RouteTerms,
    SignedRequest,
    SignerMemory,
    Verified,
    read_request,
    signed_message,
    verify_request,
)

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_OF_POLKADOT = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
"""The same key in another address format."""
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
TERMS = RouteTerms(BOB, "run-1", "swarm.example:8443", {ALICE}, 64)
NOW = 1_900_000_000_000
NONCE = "00112233445566778899aabbccddeeff"
BODY = b'{"receipts": 3}'
Reason = RefusalReason


def sign(signer: str, message: bytes) -> bytes:
    """Stands in for sr25519: 64 bytes that depend on all of both."""
    return hashlib.sha512(signer.encode() + b"\0" + message).digest()


def is_signed(signer: str, message: bytes, signature: bytes) -> bool:
    return sign(signer, message) == signature


def message_of(nonce: str = NONCE, at: int = NOW) -> bytes:
    return signed_message(TERMS, "POST", "/receipts?epoch=7", BODY, nonce, at)


def headers(nonce: str = NONCE, at: int = NOW) -> dict[str, str]:
    return {
        "Epistula-Version": "3",
        "Epistula-Timestamp": str(at),
        "Epistula-Uuid": nonce,
        "Epistula-Signed-By": ALICE,
        "Epistula-Signed-For": BOB,
        "Epistula-Run": "run-1",
        "Epistula-Request-Signature": "0x" + sign(ALICE, message_of(nonce, at)).hex(),
        ":method": "POST",
        ":authority": "swarm.example:8443",
        ":path": "/receipts?epoch=7",
    }


def request_of(nonce: str = NONCE, at: int = NOW) -> SignedRequest:
    read = read_request(TERMS, headers(nonce, at).items(), BODY)
    assert isinstance(read, SignedRequest)
    return read


def judged(
    request: SignedRequest,
    memory: SignerMemory | None = None,
    now: int = NOW,
    cost: int = NORMAL_MS,
) -> Verified | Refusal:
    return verify_request(request, memory or SignerMemory(), cost, now, is_signed)


def reason_of(outcome: object) -> RefusalReason:
    assert isinstance(outcome, Refusal)
    assert not outcome
    return outcome.reason
