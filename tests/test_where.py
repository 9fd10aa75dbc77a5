"""`docs/where.md` names files and what stands in them: every one is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "where.md"
PLACE = re.compile(r"`(?P<file>[\w/]+\.py):(?P<name>[\w.]+)`")
LEAST_QUESTIONS = 30


def rows() -> list[tuple[str, str]]:
    """The questions, each with the text that answers it."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(question, answer) for question, answer in cells if question.endswith("?")]


def places() -> list[tuple[str, str]]:
    """Every file that the page names, with the name in it."""
    found = {match.groups() for _, answer in rows() for match in PLACE.finditer(answer)}
    return sorted((file, name) for file, name in found)


@cache
def names_in(file: str) -> frozenset[str]:
    """What a file defines at its top, and in its classes as `Class.name`."""
    tree = ast.parse((house.SOURCE / house.PACKAGE / file).read_text(encoding="utf-8"))
    return frozenset(_defined(tree.body))


def _defined(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name, body=inner):
                yield prefix + name
                yield from _defined(inner, f"{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.Assign(targets=targets):
                yield from (
                    prefix + each.id
                    for target in targets
                    for each in ast.walk(target)
                    if isinstance(each, ast.Name)
                )
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name


@pytest.mark.parametrize(("file", "name"), places())
def test_what_the_page_names_is_there(file: str, name: str) -> None:
    assert (house.SOURCE / house.PACKAGE / file).exists(), f"{file} is gone"
    assert name in names_in(file), f"{file} has no {name}; it has {sorted(names_in(file))}"


def test_every_question_has_an_answer_and_none_is_asked_twice() -> None:
    questions = [question for question, _ in rows()]
    assert len(set(questions)) == len(questions) >= LEAST_QUESTIONS
    assert [question for question, answer in rows() if not PLACE.search(answer)] == []


def test_every_answer_can_be_read() -> None:
    """Whatever stands between backticks is a place, so that none goes unseen."""
    words = [word for _, answer in rows() for word in re.findall(r"`[^`]*`", answer)]
    assert [word for word in words if not PLACE.fullmatch(word)] == []


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md"])
def test_it_is_found(page: str) -> None:
    assert "docs/where.md" in (ROOT / page).read_text()
