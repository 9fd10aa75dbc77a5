"""The model card: what a model was made of, for people and, in its YAML head, for programs.

In the body all text is escaped: it shows and does nothing (docs/hub.md).
"""

from __future__ import annotations

import math
import re

import msgspec

from iotapretrain.errors import InputError, RefusedModelError
from iotapretrain.hub.protocol import Commit, RepositoryId

LONGEST_CARD = 1 << 16

_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*", re.ASCII)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_HEAD = re.compile(r"---\n(.*?\n)---\n", re.DOTALL)


class TrainingData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source of text, the revision that was read, and its share of the tokens."""

    source: str
    revision: str | None
    share: float

    def __post_init__(self) -> None:
        _check_texts(self.source, self.revision or "")
        if not 0 < self.share <= 1:
            raise InputError(f"model card: {self.source!r} has share {self.share}; give 0 to 1")


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a publisher says about a model. `loss` is the mean cross-entropy in nats a token."""

    title: str
    competition: str
    licence: str
    tokens: int
    loss: float
    training_data: tuple[TrainingData, ...]
    parent: str | None = None

    def __post_init__(self) -> None:
        _check_texts(self.title, self.competition)
        if not _LICENCE.fullmatch(self.licence):
            problem = f"licence {self.licence!r}; give an identifier such as mit"
            raise InputError(f"model card: {problem}")
        if self.tokens < 0 or not 0 <= self.loss < math.inf:
            problem = f"{self.tokens} tokens at loss {self.loss}; give 0 or more"
            raise InputError(f"model card: {problem}")
        if self.parent is not None:
            Commit.parse(self.parent)

    def render(self) -> str:
        """The text of `README.md`."""
        head = msgspec.yaml.encode(_Head.of(self)).decode()
        parent = "none, trained from scratch" if self.parent is None else _plain(self.parent)
        rows: list[tuple[str, ...]] = [
            ("Competition", _plain(self.competition)),
            ("Tokens trained on", f"{self.tokens:,}"),
            ("Loss (nats a token)", f"{self.loss:.6g}"),
            ("Parent model", parent),
            ("Licence", _plain(self.licence)),
        ]
        data: list[tuple[str, ...]] = [
            (_plain(each.source), _plain(each.revision or "not pinned"), f"{each.share:.4g}")
            for each in self.training_data
        ]
        return "\n".join(
            [
                f"---\n{head}---\n",
                f"# {_plain(self.title)}\n",
                *_table(("", ""), rows),
                "\n## Training data\n",
                *_table(("Source", "Revision", "Share"), data),
                "",
            ]
        )

    @classmethod
    def parse(cls, text: str) -> Card:
        """The card back from the text of a `README.md`."""
        head = _HEAD.match(text) if len(text) <= LONGEST_CARD else None
        if head is None:
            raise RefusedModelError("model card: no YAML head within its first 64 KiB")
        try:
            return msgspec.yaml.decode(head[1], type=_Head).iotapretrain
        except (msgspec.DecodeError, InputError) as error:
            raise RefusedModelError(f"model card: {error}") from error


class _Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """The YAML at the top; the hub shows the fields it knows."""

    iotapretrain: Card
    license: str = ""
    datasets: tuple[str, ...] = ()
    base_model: str | None = None
    library_name: str = ""
    pipeline_tag: str = ""
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, card: Card) -> _Head:
        return cls(
            iotapretrain=card,
            license=card.licence,
            datasets=tuple(each.source for each in card.training_data if _is_dataset(each.source)),
            base_model=str(Commit.parse(card.parent).repository) if card.parent else None,
            library_name="transformers",
            pipeline_tag="text-generation",
            tags=("iotapretrain",),
        )


def _is_dataset(source: str) -> bool:
    """Only names of hub repositories may stand under `datasets`."""
    try:
        RepositoryId.parse(source)
    except InputError:
        return False
    return True


def _check_texts(*texts: str) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"model card: {text!r} is no Unicode text") from error


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _plain(text: str) -> str:
    """Markdown that shows `text` on one line: all ASCII punctuation may be escaped, so all is."""
    line = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return _PUNCTUATION.sub(r"\\\1", shown)
