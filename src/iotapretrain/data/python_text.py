"""Two sources that every Python carries, so that real text needs no network and no account.

Nothing is imported or run: files are only read. Parts that distributions drop or patch are left
out; what still differs between two Pythons shows in the revision (docs/data.md).
"""

from __future__ import annotations

import inspect
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from types import MappingProxyType

from iotapretrain.data.documents import digest_of, pieces
from iotapretrain.data.source import NumberedTexts

PIECE_BYTES = 8_192
"""Long files and topics are cut here, so that a page of a few rows is a page and not a book."""
SHORTEST_DOCSTRING = 200
"""Shorter docstrings say little without their code."""

PATCHED = frozenset({"distutils", "site", "sysconfig", "venv", "_aix_support", "_osx_support"})
DROPPED = frozenset({"ensurepip", "idlelib", "lib2to3", "tkinter", "turtledemo", "_pydev"})
NOT_TEXT = frozenset({"antigravity", "pydoc_data", "this"})
"""Left out: what distributions patch or ship apart, and what is not code of its own."""

_DOCSTRING = re.compile(
    r'''(?:\A(?:\s|\#.*\n)*|:[ \t]*(?:\#.*)?\n\s*)[rRuU]?"""((?:[^\\]|\\[\s\S])*?)"""''',
)
"""A string in triple quotes at the start of a file, or after a line that ends in a colon."""


def _library_files(root: Path) -> Iterator[Path]:
    """The standard library's Python files, sorted by module name and path."""
    for name in sorted(sys.stdlib_module_names - PATCHED - DROPPED - NOT_TEXT):
        module = root / f"{name}.py"
        if module.is_file():
            yield module
        for path in sorted((root / name).rglob("*.py"), key=Path.as_posix):
            if not {"test", "tests"} & set(path.relative_to(root).parts):
                yield path


def library_sources(root: Path) -> Iterator[str]:
    """Every file's text with line ends as \\n; the few that are not UTF-8 are left out."""
    for path in _library_files(root):
        with suppress(UnicodeDecodeError):
            yield path.read_text(encoding="utf-8")


def docstrings(source: str) -> Iterator[str]:
    """The docstrings of a file in order, without their indentation; short ones are left out.

    Found by their place, not by a parser: thirty times as fast over the whole library, and without
    a part in which one Python's parser could differ from another's.
    """
    for found in _DOCSTRING.finditer(source):
        text = inspect.cleandoc(found[1])
        if len(text) >= SHORTEST_DOCSTRING:
            yield text


def code_texts(root: Path) -> Iterator[str]:
    """`python-code`: source files in pieces that end at a blank line."""
    for source in library_sources(root):
        yield from pieces(source, PIECE_BYTES)


def prose_texts(root: Path, help_topics: Mapping[str, str] = topics) -> Iterator[str]:
    """`python-docs`: help topics by name, then docstrings by module, no text twice."""
    texts: list[str] = [help_topics[name] for name in sorted(help_topics)]
    texts += (text for source in library_sources(root) for text in docstrings(source))
    for text in dict.fromkeys(texts):
        yield from pieces(text, PIECE_BYTES)


EMBEDDED: Mapping[str, Callable[[Path], Iterable[str]]] = MappingProxyType(
    {"python-docs": prose_texts, "python-code": code_texts}
)


@cache
def carried(name: str) -> tuple[str, ...]:
    """The documents of an embedded source: a few megabytes, read once a process."""
    return tuple(EMBEDDED[name](Path(sysconfig.get_path("stdlib"))))


class EmbeddedSource(NumberedTexts):
    """Text of the running Python's standard library."""

    def pin(self) -> tuple[str, int]:
        texts = carried(self.name)
        version = ".".join(str(part) for part in sys.version_info[:3])
        return f"python-{version}-{digest_of(*texts)[:16]}", len(texts)

    def text(self, row: int) -> str:
        return carried(self.name)[row]
