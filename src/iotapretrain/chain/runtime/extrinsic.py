"""Signed extrinsics, byte for byte: what they consist of, how long they are valid, how sealed.

Sealing hides nothing here, so its key is no secret: it follows from the genesis hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

import bittensor_core
from Crypto.Cipher import ChaCha20_Poly1305
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from iotapretrain.chain.runtime import scale
from iotapretrain.chain.runtime.metadata import SPEC_VERSION, TRANSACTION_VERSION
from iotapretrain.errors import RefusedError

SIGNED_VERSION_4 = 0x84
ACCOUNT_ID_ADDRESS = 0
ACCOUNT_BYTES, SIGNATURE_BYTES = 32, 64
SCHEMES = {0: "ed25519", 1: "sr25519"}
METADATA_HASH_OFF = 0
SHORTEST_PERIOD, LONGEST_PERIOD = 4, 65536
LONGEST_PLAIN_PAYLOAD = 256
"""A longer payload is signed by its hash, as everywhere in Substrate."""


@dataclass(frozen=True, slots=True)
class Era:
    """The blocks in which a transaction is valid: `period` of them, from one in phase with it."""

    period: int
    phase: int

    @classmethod
    def starting(cls, period: int, current: int) -> Era:
        """The era of at least `period` blocks that contains block `current`, as encodable."""
        whole = min(max(1 << max(period - 1, 1).bit_length(), SHORTEST_PERIOD), LONGEST_PERIOD)
        quantum = max(whole >> 12, 1)
        return cls(whole, current % whole // quantum * quantum)

    def birth(self, current: int) -> int:
        """The first block of the era, seen from block `current`."""
        return (max(current, self.phase) - self.phase) // self.period * self.period + self.phase

    def encode(self) -> bytes:
        """Two bytes: the binary logarithm of the period, and the phase in quanta."""
        quantum = max(self.period >> 12, 1)
        logarithm = min(max(self.period.bit_length() - 2, 1), 15)
        return (self.phase // quantum << 4 | logarithm).to_bytes(2, "little")

    @classmethod
    def decode(cls, data: bytes) -> Era:
        encoded = int.from_bytes(data, "little")
        period = 2 << encoded % 16
        return cls(period, (encoded >> 4) * max(period >> 12, 1))


@dataclass(frozen=True, slots=True)
class Extrinsic:
    """A signed call: who signed it how, when it is valid, which of the signer's calls it is."""

    signer: bytes
    scheme: int
    signature: bytes
    era: Era | None
    nonce: int
    tip: int
    call: bytes

    def encode(self) -> bytes:
        """The bytes that are submitted and stored, length first."""
        address = bytes([SIGNED_VERSION_4, ACCOUNT_ID_ADDRESS]) + self.signer
        signature = bytes([self.scheme]) + self.signature
        return scale.blob(address + signature + self.extra() + self.call)

    def extra(self) -> bytes:
        """What the signed extensions put into the transaction."""
        era = self.era.encode() if self.era else b"\x00"
        nonce_and_tip = scale.compact(self.nonce) + scale.compact(self.tip)
        return era + nonce_and_tip + bytes([METADATA_HASH_OFF])

    def payload(self, genesis_hash: bytes, birth_hash: bytes) -> bytes:
        """What the signature is over: the call, and all that must not change around it."""
        versions = SPEC_VERSION.to_bytes(4, "little") + TRANSACTION_VERSION.to_bytes(4, "little")
        implied = versions + genesis_hash + birth_hash + scale.option(None)
        message = self.call + self.extra() + implied
        return message if len(message) <= LONGEST_PLAIN_PAYLOAD else digest(message)

    def signed_by(
        self, signer: bittensor_core.Keypair, genesis_hash: bytes, birth_hash: bytes
    ) -> Extrinsic:
        """The same with the signer's account and signature."""
        unsigned = replace(self, signer=bytes(signer.public_key), scheme=signer.crypto_type)
        signature = signer.sign(unsigned.payload(genesis_hash, birth_hash))
        return replace(unsigned, signature=bytes(signature))

    def holds(self, genesis_hash: bytes, birth_hash: bytes) -> bool:
        """Whether the signature is the signer's, over this payload and nothing else.

        The SDK's check also takes a signature over the payload between `<Bytes>` tags. Wallets put
        those around texts that websites ask them to sign, so as not to sign transactions unseen.
        """
        address = bittensor_core.ss58_encode(self.signer)
        message = self.payload(genesis_hash, birth_hash)
        text = b"<Bytes>" + message + b"</Bytes>"
        return bool(
            bittensor_core.verify(message, self.signature, address, self.scheme)
            and not bittensor_core.verify(text, self.signature, address, self.scheme)
        )


def digest(data: bytes) -> bytes:
    """BLAKE2b-256: what an extrinsic is called by, and the hash of long payloads."""
    return blake2b(data, digest_size=32).digest()


def check_signature(
    extrinsic: Extrinsic, block: int, block_hash: Callable[[int], bytes | None]
) -> None:
    """Refuse an extrinsic that may not be in `block`, by its signature or by its era.

    An era says only its phase, so a transaction that comes too late looks as if born one period
    later and its signature no longer fits; we look one period back to tell late from forged.
    """
    genesis_hash = block_hash(0) or b""
    birth = extrinsic.era.birth(block) if extrinsic.era else 0
    born = block_hash(birth)
    if born is not None and extrinsic.holds(genesis_hash, born):
        return
    earlier = birth - extrinsic.era.period if extrinsic.era else -1
    born_earlier = block_hash(earlier) if earlier >= 0 else None
    if born_earlier is not None and extrinsic.holds(genesis_hash, born_earlier):
        raise RefusedError("AncientBirthBlock", f"its era ended before block {birth}")
    raise RefusedError("BadProof", "the signature does not fit the call, nonce, era and chain")


def parse(data: bytes) -> Extrinsic:
    """Take a submitted extrinsic apart.

    Raises RefusedError for whatever this chain would not have encoded so: unsigned and general
    transactions, addresses other than account ids, schemes other than sr25519 and ed25519.
    """
    try:
        extrinsic = _parse(data)
    except (IndexError, KeyError):
        raise RefusedError("Call", "the bytes are not a signed extrinsic") from None
    if extrinsic.encode() != data:
        raise RefusedError("Call", "the extrinsic is not encoded in its one right form")
    return extrinsic


def _parse(data: bytes) -> Extrinsic:
    _, offset = scale.read_compact(data)
    if data[offset] != SIGNED_VERSION_4 or data[offset + 1] != ACCOUNT_ID_ADDRESS:
        raise RefusedError("Call", "only signed extrinsics of version 4 from account ids are taken")
    signer_end = offset + 2 + ACCOUNT_BYTES
    scheme = data[signer_end]
    if scheme not in SCHEMES:
        raise RefusedError("Call", "only sr25519 and ed25519 signatures are taken")
    era_start = signer_end + 1 + SIGNATURE_BYTES
    immortal = data[era_start] == 0
    nonce_start = era_start + (1 if immortal else 2)
    nonce, nonce_size = scale.read_compact(data[nonce_start:])
    tip, tip_size = scale.read_compact(data[nonce_start + nonce_size :])
    return Extrinsic(
        signer=data[offset + 2 : signer_end],
        scheme=scheme,
        signature=data[signer_end + 1 : era_start],
        era=None if immortal else Era.decode(data[era_start:nonce_start]),
        nonce=nonce,
        tip=tip,
        call=data[nonce_start + nonce_size + tip_size + 1 :],
    )


SHIELD_DOMAIN = b"iota shield"
KEY_HASH_BYTES, NONCE_BYTES, TAG_BYTES = 16, 24, 16


@lru_cache(maxsize=4)
def _private_key(genesis_hash: bytes) -> MLKEM768PrivateKey:
    seed = blake2b(genesis_hash, digest_size=64, person=SHIELD_DOMAIN).digest()
    return MLKEM768PrivateKey.from_seed_bytes(seed)


@lru_cache(maxsize=4)
def public_key(genesis_hash: bytes) -> bytes:
    """What `MevShield.NextKey` holds: the ML-KEM-768 key to seal to."""
    return _private_key(genesis_hash).public_key().public_bytes_raw()


def open_sealed(genesis_hash: bytes, ciphertext: bytes) -> bytes | None:
    """The sealed extrinsic; None for what was not sealed to this chain's key.

    A sealed message is the key's hash, the length of the encapsulated secret (two bytes,
    little-endian), that secret, a nonce, and the extrinsic under XChaCha20-Poly1305.
    """
    body = ciphertext[KEY_HASH_BYTES:]
    end = 2 + int.from_bytes(body[:2], "little")
    encapsulated, nonce = body[2:end], body[end : end + NONCE_BYTES]
    sealed = body[end + NONCE_BYTES :]
    if len(sealed) < TAG_BYTES:
        return None
    try:
        secret = _private_key(genesis_hash).decapsulate(encapsulated)
        cipher = ChaCha20_Poly1305.new(key=secret, nonce=nonce)
        return cipher.decrypt_and_verify(sealed[:-TAG_BYTES], sealed[-TAG_BYTES:])
    except ValueError:
        return None
