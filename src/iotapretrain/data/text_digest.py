"""BLAKE3 over a list of byte strings, framed so that no two lists give the same bytes."""

from __future__ import annotations

from blake3 import blake3


def digest_of(*parts: bytes | str) -> str:
    """Hex BLAKE3 of the parts, each after its length in 8 bytes, little-endian; texts as UTF-8."""
    hasher = blake3()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        hasher.update(len(content).to_bytes(8, "little"))
        hasher.update(content)
    return hasher.hexdigest()
