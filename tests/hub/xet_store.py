"""Read back what the real Xet client stored in a folder (`local://`), by SHA-256.

A shard begins with 48 bytes of header; then, in units of 48 bytes, every file has its hash, flags
and number of segments, the segments, as many verifications if flagged, its SHA-256 if flagged.
Hashes are four little-endian words; a hash of ones ends the files.
"""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from huggingface_hub.utils._xet import get_xet_session

UNIT = 48
HAS_VERIFICATION, HAS_SHA256 = 1 << 31, 1 << 30


def read_by_sha256(store: Path, sha256: str) -> bytes | None:
    """The content that a client uploaded, or None."""
    for shard in sorted(store.glob("**/shards/*.mdb")):
        for known, xet_hash, size in _files(shard.read_bytes()):
            if known == sha256:
                return _read(store, xet_hash, size)
    return None


def _files(shard: bytes) -> Iterator[tuple[str, str, int]]:
    at = UNIT
    while shard[at : at + 32] not in (b"\xff" * 32, b""):
        xet_hash = _hex(shard[at : at + 32])
        flags, segments = struct.unpack_from("<II", shard, at + 32)
        # A segment is the hash of a block, its flags, then the bytes that the file takes of it.
        parts = range(at + UNIT, at + UNIT * (1 + segments), UNIT)
        size = sum(struct.unpack_from("<I", shard, part + 36)[0] for part in parts)
        at += UNIT * (1 + segments * (2 if flags & HAS_VERIFICATION else 1))
        if flags & HAS_SHA256:
            yield _hex(shard[at : at + 32]), xet_hash, size
            at += UNIT


def _hex(raw: bytes) -> str:
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


def _read(store: Path, xet_hash: str, size: int) -> bytes:
    from hf_xet import XetFileInfo

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "content"
        with get_xet_session().new_file_download_group(
            endpoint=f"local://{store}",
            token="xet",
            token_expiry_unix_secs=int(time.time()) + 3600,
            token_refresh_url="http://127.0.0.1:9/unused",
            token_refresh_headers={},
            custom_headers={},
        ) as group:
            group.start_download_file(XetFileInfo(xet_hash, size), str(out))
        return out.read_bytes()
