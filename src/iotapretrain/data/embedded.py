"""Two sources that every Python carries, so that real text needs no network and no account.

`python-docs` is prose: the help topics (`pydoc_data.topics`) and the docstrings of the standard
library. `python-code` is the standard library's own source.

Python versions, and now and then the builds of one version, differ in these texts. So the revision
holds the Python version and a digest of all the documents: two validators who name the same
revision have the same bytes, and those who have not see it at once. The names of the modules come
from `sys.stdlib_module_names`, which is the same on every platform; parts that distributions drop
or patch are left out; nothing is imported or run, files are only read.
"""

from __future__ import annotations

import ast
import json
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from pydoc_data.topics import topics

from iotapretrain.data.cache import Cache
from iotapretrain.data.digest import digest_of
from iotapretrain.data.documents import Document, document, pieces
from iotapretrain.data.source import Config, Description, check_page
from iotapretrain.rules.sampling import Page

PIECE_BYTES = 8_192
"""Long files and topics are cut here, so that a page of a few rows is a page and not a book."""
SHORTEST_DOCSTRING = 200
"""Shorter docstrings say little without their code."""

PATCHED_OR_DROPPED = frozenset(
    {
        "antigravity",
        "distutils",
        "ensurepip",
        "idlelib",
        "lib2to3",
        "pydoc_data",
        "site",
        "sysconfig",
    }
    | {"this", "tkinter", "turtledemo", "venv", "_aix_support", "_osx_support", "_pydev"}
)
"""Left out: distributions ship these apart, patch them, or they are not text of their own."""

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _library_files(root: Path) -> Iterator[Path]:
    """The standard library's Python files, sorted by module name and path."""
    for name in sorted(sys.stdlib_module_names - PATCHED_OR_DROPPED):
        module = root / f"{name}.py"
        if module.is_file():
            yield module
        for path in sorted(
            (root / name).rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()
        ):
            if not {"test", "tests"} & set(path.relative_to(root).parts):
                yield path


def library_sources(root: Path) -> Iterator[str]:
    """Every file's text with line ends as \\n; the few that are not UTF-8 are left out."""
    for path in _library_files(root):
        try:
            yield path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def docstrings(source: str) -> Iterator[str]:
    """Every docstring of a file in the order of its text."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, _DOCUMENTED)]
    found.sort(key=lambda node: getattr(node, "lineno", 0))
    for node in found:
        text = ast.get_docstring(node)
        if text and len(text) >= SHORTEST_DOCSTRING:
            yield text


def code_texts(root: Path) -> Iterator[str]:
    """`python-code`: source files in pieces that end at a blank line."""
    for source in library_sources(root):
        yield from pieces(source, PIECE_BYTES)


def prose_texts(root: Path, help_topics: Mapping[str, str] = topics) -> Iterator[str]:
    """`python-docs`: help topics by name, then docstrings by module; a text that came before does
    not come again.
    """
    texts: list[str] = [help_topics[name] for name in sorted(help_topics)]
    texts += (text for source in library_sources(root) for text in docstrings(source))
    for text in dict.fromkeys(texts):
        yield from pieces(text, PIECE_BYTES)


class EmbeddedSource:
    """Text of the running Python's standard library, held in memory (about 2 and 9 MB)."""

    def __init__(self, name: str, texts: Callable[[Path], Iterable[str]], cache: Cache) -> None:
        self.name = name
        self._texts = texts
        self._cache = cache

    @cached_property
    def _documents(self) -> list[str]:
        """The documents; reading every docstring takes two seconds, so they are kept on disk."""
        root = Path(sysconfig.get_path("stdlib"))
        sources = digest_of(*(source.encode() for source in library_sources(root)))
        key = f"embedded/{self.name}/{sys.version}/{sources}"
        kept = self._cache.get(key)
        if kept is None:
            kept = json.dumps(list(self._texts(root))).encode()
            self._cache.put(key, kept)
        documents: list[str] = json.loads(kept)
        return documents

    @cached_property
    def _description(self) -> Description:
        digest = digest_of(*(text.encode() for text in self._documents))
        version = ".".join(str(part) for part in sys.version_info[:3])
        rows = len(self._documents)
        return Description(self.name, f"python-{version}-{digest[:16]}", (Config("all", rows),))

    def describe(self) -> Description:
        """One config with every document."""
        return self._description

    def fetch(self, page: Page) -> list[Document]:
        """The documents of a page."""
        check_page(self._description, page)
        return [document(text) for text in self._documents[page.start : page.start + page.rows]]
