"""What a miner writes on the chain: which bytes, whose, for which competition (competition, 2).

    namespace:name:commit:secure_hash:competition_id        at most 128 bytes

`Commitment` is strict, for reading as well as before sending.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from iotapretrain.errors import InputError
from iotapretrain.rules.digest import SHA256_BYTES

MAX_BYTES = 128
SEPARATOR = ":"
PARTS = 5
LARGEST_COMPETITION = 99

_NAME = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(?<!\.git)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_COMPETITION = re.compile(r"0|[1-9][0-9]?")


@dataclass(frozen=True)
class Commitment:
    """A commitment of which every part is checked, so that its text is one that all accept."""

    namespace: str
    name: str
    commit: str
    secure_hash: str
    competition_id: int

    def __post_init__(self) -> None:
        for part, value in (("namespace", self.namespace), ("name", self.name)):
            if not _NAME.fullmatch(value):
                raise _wrong(part, value, "a name that the hub allows: letters, digits, - _ .")
        if not _COMMIT.fullmatch(self.commit):
            raise _wrong("commit", self.commit, "40 lower-case hex digits, no branch or tag")
        if not _is_hash(self.secure_hash):
            raise _wrong("secure_hash", self.secure_hash, "44 characters, base64 of 32 bytes")
        if not 0 <= self.competition_id <= LARGEST_COMPETITION:
            raise _wrong("competition_id", str(self.competition_id), "0 to 99")
        size = len(self.text.encode())
        if size > MAX_BYTES:
            raise InputError(
                f"commitment: {size} bytes; the chain takes {MAX_BYTES}: shorten the repository's"
                f" name {self.repo_id} by {size - MAX_BYTES}"
            )

    @classmethod
    def parse(cls, text: str) -> Commitment:
        """Read the text form and nothing else: what this accepts is what `text` gives back."""
        parts = text.split(SEPARATOR)
        if len(parts) != PARTS:
            raise InputError(f"commitment: {len(parts)} parts; expected exactly {PARTS}")
        if not _COMPETITION.fullmatch(parts[4]):
            raise _wrong("competition_id", parts[4], "0 to 99, without sign or leading zero")
        return cls(parts[0], parts[1], parts[2], parts[3], int(parts[4]))

    @property
    def text(self) -> str:
        parts = (self.namespace, self.name, self.commit, self.secure_hash, str(self.competition_id))
        return SEPARATOR.join(parts)

    @property
    def repo_id(self) -> str:
        return f"{self.namespace}/{self.name}"

    def binds(self, model_hash: str, hotkey: str) -> bool:
        """Whether this hotkey committed to exactly these bytes."""
        return secure_hash(model_hash, hotkey) == self.secure_hash


def model_commitment(text: str | None) -> Commitment | None:
    """The strict commitment that a text is; None for anything else, such as where records lie."""
    try:
        return None if text is None else Commitment.parse(text)
    except InputError:
        return None


def secure_hash(model_hash: str, hotkey: str) -> str:
    """base64(SHA-256(model hash, hotkey)), joined as text: binds the content to its owner (2.3)."""
    digest = hashlib.sha256((model_hash + hotkey).encode()).digest()
    return base64.b64encode(digest).decode("ascii")


def hub_url(namespace: str, name: str, commit: str) -> str:
    """Where a person can look at the pinned files."""
    return f"https://huggingface.co/{namespace}/{name}/tree/{commit}"


def _is_hash(text: str) -> bool:
    """Only the canonical form: the same 32 bytes have other texts that a decoder would take."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(digest) == SHA256_BYTES and base64.b64encode(digest).decode("ascii") == text


def _wrong(part: str, value: str, expected: str) -> InputError:
    return InputError(f"commitment: {part} is {value!r}; expected {expected}")
