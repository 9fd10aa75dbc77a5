from __future__ import annotations

import sys
from pathlib import Path

import pytest

from iotapretrain.data.datasets import open_source
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.python_text import (
    EMBEDDED,
    PIECE_BYTES,
    code_texts,
    docstrings,
    library_sources,
    prose_texts,
)
from iotapretrain.rules.sampling import Page

MODULE = '''"""The module's docstring, which is long enough.{0}"""


class Thing:
    """The class.{0}"""

    def method(self):
        """The method.{0}"""

    async def later(self):
        """Short."""


def function(
    argument,
):  # with a remark
    r"""The function \\""" and more.{0}"""
    return """Not a docstring.{0}"""
'''.format(" More of it." * 20)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A standard library of three files, with parts that must not be read."""
    files = {
        "json/__init__.py": MODULE,
        "json/tests/test_it.py": "raise SystemExit",
        "argparse.py": '"""Parses.' + " And parses." * 30 + '"""\n',
        "site.py": "import patched_by_distributions",
        "not_of_the_library.py": "x = 1",
        "ast.py": "",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    (tmp_path / "abc.py").write_bytes(b"# \xff not utf-8")
    return tmp_path


def test_only_the_library_s_own_readable_files_are_read_in_order(library: Path) -> None:
    assert [len(source) for source in library_sources(library)] == [
        len((library / "argparse.py").read_text()),
        0,
        len(MODULE),
    ]


def test_line_ends_are_the_same_everywhere(library: Path) -> None:
    before = list(code_texts(library))
    windows = MODULE.replace("\n", "\r\n").encode()
    (library / "json/__init__.py").write_bytes(windows)
    assert list(code_texts(library)) == before


def test_docstrings_in_order_without_the_short_ones() -> None:
    assert [text.split()[1] for text in docstrings(MODULE)] == [
        "module's",
        "class.",
        "method.",
        "function",
    ]


def test_prose_is_topics_then_docstrings_each_once(library: Path) -> None:
    topics = {"b": "Second topic.", "a": "First topic.", "c": "First topic."}
    found = list(prose_texts(library, topics))
    assert found[:2] == ["First topic.", "Second topic."]
    assert found[2].startswith("Parses.")
    assert len(found) == 7


@pytest.mark.parametrize("name", EMBEDDED)
def test_what_this_python_carries(name: str, cache: PageCache) -> None:
    source = open_source(name, cache)
    description = source.describe()
    version = ".".join(map(str, sys.version_info[:3]))
    assert description.revision.startswith(f"python-{version}-")
    assert description.rows > 1000
    documents = source.fetch(Page("all", 0, description.rows))
    assert all(0 < len(document.text.encode()) <= PIECE_BYTES for document in documents)


def test_the_two_sources_have_nothing_in_common(cache: PageCache) -> None:
    prose, code = (
        {document.text for document in source.fetch(Page("all", 0, source.describe().rows))}
        for source in (open_source(name, cache) for name in EMBEDDED)
    )
    assert not prose & code
