"""The shield: sealed extrinsics, which the SDK insists on for registrations.

On the public network it keeps others from acting on what waits in the pool. A chain in a file has
no pool, so this key hides nothing and is no secret: it follows from the genesis hash, which lets
whoever replays the chain open the same seals.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from Crypto.Cipher import ChaCha20_Poly1305
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

KEY_HASH_BYTES, NONCE_BYTES, TAG_BYTES = 16, 24, 16
DOMAIN = b"iota shield"


@lru_cache(maxsize=4)
def _private_key(genesis_hash: bytes) -> MLKEM768PrivateKey:
    seed = blake2b(genesis_hash, digest_size=64, person=DOMAIN).digest()
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
