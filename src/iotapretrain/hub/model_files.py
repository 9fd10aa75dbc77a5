"""Which files make a model, and which paths from strangers may become files here: none that can
point outside its folder, hide another file, or be run.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from iotapretrain.errors import InputError, RefusedModelError

CARD = "README.md"
MOST_FILES = 1_000
LONGEST_PATH = 512
LONGEST_NAME = 200
DEEPEST = 16

_SUFFIXES = (".safetensors", ".json")
_TOKENIZER_FILES = frozenset(
    {
        "merges.txt",
        "sentencepiece.bpe.model",
        "spiece.model",
        "spm.model",
        "tokenizer.model",
        "vocab.txt",
    }
)


def is_model_file(path: str) -> bool:
    """Weights, configuration, tokenizer or card: the only files that are published or fetched."""
    name = PurePosixPath(path).name
    return path == CARD or name.endswith(_SUFFIXES) or name in _TOKENIZER_FILES


def check_path(path: str) -> None:
    """Refuse what is not a plain relative path of readable letters."""
    if "\\" in path or any(unicodedata.category(letter)[0] == "C" for letter in path):
        raise RefusedModelError(f"{path!r} holds a backslash or a control character")
    parts = path.split("/")
    unsafe = any(part in ("", ".", "..") or len(part.encode()) > LONGEST_NAME for part in parts)
    if unsafe or len(parts) > DEEPEST or len(path.encode()) > LONGEST_PATH:
        raise RefusedModelError(f"{path[:LONGEST_PATH]!r} is not a plain relative path")


def check_together(paths: Iterable[str]) -> None:
    """Refuse two paths that some file system takes for one, and a file that is also a folder."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        folded = unicodedata.normalize("NFKC", path).casefold()
        if folded in seen:
            raise RefusedModelError(f"{path!r} and {seen[folded]!r} name the same file")
        seen[folded] = path
        folders.update(str(parent) for parent in PurePosixPath(folded).parents)
    for both in folders & seen.keys():
        raise RefusedModelError(f"{seen[both]!r} is a file and a folder at once")


def check_additions(files: Mapping[str, bytes]) -> None:
    """Refuse to add nothing, hostile paths, and weights, which only whole models have."""
    if not files:
        raise InputError("nothing to add: name one file or more")
    for path in files:
        check_path(path)
        if path.endswith(".safetensors"):
            raise InputError(f"{path!r} belongs to a model; publish the whole folder")
    check_together(files)


@dataclass(frozen=True)
class ModelFolder:
    """What is published: relative path to the file on disk, or to its bytes where we made them."""

    files: Mapping[str, Path | bytes]
    left_out: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not any(path.endswith(".safetensors") for path in self.files):
            raise InputError("nothing to publish: the folder holds no *.safetensors")
        if len(self.files) > MOST_FILES:
            raise InputError(f"{len(self.files)} files are too many to publish; most: {MOST_FILES}")
        for path in self.files:
            if not is_model_file(path):
                raise InputError(f"{path!r} is no file of a model")
            check_path(path)
        check_together(self.files)

    @classmethod
    def scan(cls, folder: Path) -> ModelFolder:
        """The model files below a folder; other files, unless hidden, are named in `left_out`."""
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        found: dict[str, Path | bytes] = {}
        left_out: list[str] = []
        try:
            for path in _walk(folder):
                relative = path.relative_to(folder).as_posix()
                if is_model_file(relative):
                    found[relative] = path
                else:
                    left_out.append(relative)
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}") from error
        return cls(found, tuple(left_out))

    def with_card(self, text: str) -> ModelFolder:
        return self.with_files({CARD: text.encode()})

    def with_files(self, more: Mapping[str, bytes]) -> ModelFolder:
        """The same with files of which only the bytes are here."""
        return ModelFolder({**self.files, **more}, self.left_out)

    @property
    def size(self) -> int:
        """Of all files together."""
        return sum(
            len(each) if isinstance(each, bytes) else each.stat().st_size
            for each in self.files.values()
        )


def _walk(folder: Path) -> Iterable[Path]:
    """Regular files in sorted order; a link could publish anything here, so it is an error."""
    for path in sorted(folder.iterdir()):
        mode = os.lstat(path).st_mode
        if path.name.startswith("."):
            continue
        if stat.S_ISDIR(mode):
            yield from _walk(path)
        elif stat.S_ISREG(mode):
            yield path
        else:
            raise InputError(f"{path}: only plain files can be published; replace it by a copy")
