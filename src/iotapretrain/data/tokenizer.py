"""Text to token ids, by the tokenizer that a competition names, and the training of a new one.

Text that looks like a special token is tokenised as its characters: nobody ends a document within.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import numpy.typing as npt
import tokenizers
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from tokenizers import decoders, models, pre_tokenizers, trainers

from iotapretrain.data.documents import digest_of
from iotapretrain.errors import InputError, UnavailableSourceError

END_TOKEN = "<|endoftext|>"  # noqa: S105 -- not a password
BYTES = "bytes"
"""The tokenizer that needs no file: 256 bytes and the end token."""
BATCH_CHARACTERS = 4_000_000
"""Texts tokenised at once: enough to keep all cores busy, little enough to keep memory small."""
SMALLEST_VOCABULARY = 257
WHOLE, SETTINGS = "tokenizer.json", "tokenizer_config.json"

_PINNED = re.compile(r"(?P<repo>[\w.-]+(/[\w.-]+)?)@(?P<revision>[0-9a-f]{40})")

Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer and its end token. Two validators whose digests agree use the same."""

    name: str
    digest: str
    end_token: str
    end_id: int
    backend: tokenizers.Tokenizer
    content: str
    """Of its tokenizer.json, as it was read."""

    def files(self) -> dict[str, bytes]:
        """What a model carries, so that everybody opens it with this tokenizer."""
        return {WHOLE: self.content.encode(), SETTINGS: _settings(self.end_token)}

    @property
    def vocabulary(self) -> int:
        """Number of ids, the end token among them."""
        return self.backend.get_vocab_size(with_added_tokens=True)

    def encode_flat(self, texts: Sequence[str]) -> tuple[Tokens, npt.NDArray[np.int64]]:
        """All ids in one array, and offsets: those of text i are ids[offsets[i] : offsets[i + 1]].

        No start or end token is added.
        """
        flat = array("i")
        offsets = [0]
        for batch in _batches(texts):
            for encoding in self.backend.encode_batch_fast(batch, add_special_tokens=False):
                flat.fromlist(encoding.ids)
                offsets.append(len(flat))
        ids, bounds = np.array(flat, dtype=np.int32), np.array(offsets, dtype=np.int64)
        ends = np.flatnonzero(ids == self.end_id)
        if len(ends):
            text = texts[int(np.searchsorted(bounds, ends[0], side="right")) - 1]
            advice = f"mark {self.end_token!r} as special in its tokenizer.json"
            problem = f"gives its end token for the text {text[:40]!r}"
            raise _refused(self.name, f"{problem}; {advice}")
        return ids, bounds

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """The token ids of every text."""
        ids, offsets = self.encode_flat(texts)
        return np.split(ids, offsets[1:-1]) if texts else []


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


@dataclass(frozen=True)
class TokenizerFiles:
    """Where a tokenizer lies, in the form that is read here."""

    whole: Path

    @property
    def settings(self) -> Path:
        """A file beside it, if there are any."""
        return self.whole.with_name(SETTINGS)


def load_tokenizer(place: str) -> Tokenizer:
    """The tokenizer at `place`: `bytes`, a file, a folder, or `REPO@COMMIT` on the hub.

    What it reads it believes: a place that a stranger chose is opened in a worker instead.
    """
    if place == BYTES:
        return _prepared(BYTES, _bytes_alone().to_str(), {}, identity=BYTES)
    files = find_files(place)
    if files is None:
        return _converted(place, Path(place))
    try:
        content = files.whole.read_text(encoding="utf-8")
        settings = files.settings.read_bytes() if files.settings.is_file() else b"{}"
    except (OSError, ValueError) as error:
        raise _refused(place, f"cannot be read: {error}") from error
    return read_tokenizer(place, content, settings)


def find_files(place: str) -> TokenizerFiles | None:
    """The files of a tokenizer that has some, fetched if need be, but not read; None for a folder
    of older formats.
    """
    path = Path(place)
    if path.is_dir():
        whole = path / WHOLE
        return TokenizerFiles(whole) if whole.is_file() else None
    if path.is_file():
        return TokenizerFiles(path)
    if pinned := _PINNED.fullmatch(place):
        return TokenizerFiles(_fetched(place, pinned["repo"], pinned["revision"]))
    raise _refused(place, f"no such file or folder, nor {BYTES!r}, nor REPO@COMMIT (40 hex digits)")


def _converted(place: str, folder: Path) -> Tokenizer:
    """The older file formats, as `transformers` converts them; nothing else here needs it."""
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        problem = "no tokenizer.json; install transformers for older formats"
        raise _refused(place, problem) from error
    try:
        converted = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _refused(place, f"transformers cannot read the folder: {error}") from error
    config = {"eos_token": converted.eos_token}
    return _prepared(place, converted.backend_tokenizer.to_str(), config)


def read_tokenizer(place: str, content: str, settings: bytes) -> Tokenizer:
    """The tokenizer of a tokenizer.json and of the tokenizer_config.json beside it."""
    try:
        config: object = json.loads(settings)
    except (ValueError, RecursionError) as error:
        raise _refused(place, f"{SETTINGS} cannot be read: {error}") from error
    return _prepared(place, content, config if isinstance(config, dict) else {})


def _fetched(place: str, repo: str, revision: str) -> Path:
    """The file of a commit; its settings are put beside it."""
    try:
        whole = hf_hub_download(repo, WHOLE, revision=revision)
        with suppress(EntryNotFoundError):
            hf_hub_download(repo, SETTINGS, revision=revision)
    except (HfHubHTTPError, EntryNotFoundError, httpx2.HTTPError, OSError) as error:
        raise UnavailableSourceError(
            place, f"tokenizer cannot be fetched: {error}; check name, commit, network and HF_TOKEN"
        ) from error
    return Path(whole)


def _prepared(
    place: str, content: str, config: dict[str, Any], identity: str | None = None
) -> Tokenizer:
    """A tokenizer that neither cuts, pads, adds, nor takes text for a special token.

    Its digest is that of `identity`, by default of the file's bytes: of nothing that a library's
    version changes.
    """
    try:
        backend = tokenizers.Tokenizer.from_str(content)
    except Exception as error:
        raise _refused(place, f"not a tokenizer.json: {error}") from error
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    end_token = _end_token(place, config, backend)
    end_id = backend.token_to_id(end_token)
    if end_id is None:
        raise _refused(place, f"its end token {end_token!r} is not in its vocabulary")
    digest = digest_of(identity or content, end_token)
    return Tokenizer(place, digest, end_token, end_id, backend, content)


def _end_token(place: str, config: dict[str, Any], backend: tokenizers.Tokenizer) -> str:
    """The configuration's `eos_token`; without one, the only special token or the usual one."""
    named = config.get("eos_token")
    if isinstance(named, dict):
        named = named.get("content")
    if isinstance(named, str):
        return named
    added = backend.get_added_tokens_decoder().values()
    special = [token.content for token in added if token.special]
    if len(special) == 1:
        return special[0]
    if END_TOKEN in special:
        return END_TOKEN
    raise _refused(place, f"no end token; name one as eos_token in {SETTINGS} beside it")


def _refused(place: str, problem: str) -> InputError:
    return InputError(f"tokenizer {place}: {problem}")


def _byte_level(model: models.BPE) -> tokenizers.Tokenizer:
    """Any text in, the same text out: words as GPT-2 cuts them, their UTF-8 bytes as symbols."""
    backend = tokenizers.Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _bytes_alone() -> tokenizers.Tokenizer:
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = _byte_level(models.BPE({symbol: number for number, symbol in enumerate(symbols)}, []))
    backend.add_special_tokens([END_TOKEN])
    return backend


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> tokenizers.Tokenizer:
    """A byte-level BPE of at most `vocabulary` ids; the same texts give the same one."""
    if vocabulary < SMALLEST_VOCABULARY:
        raise InputError(
            f"vocabulary {vocabulary}: give {SMALLEST_VOCABULARY} or more (256 bytes and an end)"
        )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_TOKEN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend = _byte_level(models.BPE())
    backend.train_from_iterator(texts, trainer)
    return backend


def save_tokenizer(backend: tokenizers.Tokenizer, folder: Path) -> Tokenizer:
    """Write the files that `transformers` reads too, and load them back."""
    folder.mkdir(parents=True, exist_ok=True)
    backend.save(str(folder / WHOLE))
    (folder / SETTINGS).write_bytes(_settings(END_TOKEN))
    return load_tokenizer(str(folder))


def _settings(end_token: str) -> bytes:
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end_token}
    return json.dumps(config, indent=2).encode() + b"\n"
