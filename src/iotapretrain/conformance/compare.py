"""What a case's words mean: its arguments, and when a result counts as the expected one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}

Number = int | float
Args = dict[str, Any]
Function = Callable[[Args], Any]
"""From the `args` of a case to what its `expect` holds."""


@dataclass(frozen=True)
class CaseResult:
    """One case: what was expected and what our rules gave."""

    name: str
    passed: bool
    expected: Any
    got: Any


@dataclass(frozen=True)
class Label:
    """An outcome in our word for it, where files are free to choose their own words.

    A word of `settled` means the outcome that we call so. Any other word a file uses can only mean
    an outcome whose name is not settled.
    """

    word: str
    settled: frozenset[str]

    def __repr__(self) -> str:
        return repr(self.word)

    def means(self, expected: Any) -> bool:
        """Whether a file that expects this word expects this outcome."""
        unsettled = isinstance(expected, str) and not {expected, self.word} & self.settled
        return expected == self.word or unsettled


def number(value: Any) -> float:
    """A number of a vector file; the words inf, -inf and nan stand for what JSON cannot write."""
    return _WORDS[value] if isinstance(value, str) and value in _WORDS else float(value)


def numbers(value: Any) -> Any:
    """The same, with numbers for the words that stand for some, wherever they are in it."""
    if isinstance(value, Mapping):
        return {key: numbers(each) for key, each in value.items()}
    if _is_list(value):
        return [numbers(each) for each in value]
    return _WORDS[value] if isinstance(value, str) and value in _WORDS else value


def by_name(rule: Callable[..., Any]) -> Function:
    """A rule that takes those arguments of a case which it names itself; others do not matter."""
    names = inspect.signature(rule).parameters
    return lambda args: rule(**{name: args[name] for name in names if name in args})


def matches(expected: Any, got: Any, tol: float = 0.0) -> bool:
    """Whether `got` is what was expected, to within `tol` in every number inside.

    Of a mapping only the expected keys count: a vector may state part of a result.
    """
    if isinstance(got, Label):
        return got.means(expected)
    if isinstance(expected, Mapping):
        return isinstance(got, Mapping) and all(
            key in got and matches(value, got[key], tol) for key, value in expected.items()
        )
    if _is_list(expected):
        return (
            _is_list(got)
            and len(expected) == len(got)
            and all(matches(left, right, tol) for left, right in zip(expected, got, strict=True))
        )
    if _is_number(got) and isinstance(expected, str) and expected in _WORDS:
        return _close(_WORDS[expected], got, tol)
    if _is_number(expected) and _is_number(got):
        return _close(expected, got, tol)
    return type(expected) is type(got) and bool(expected == got)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_number(value: Any) -> bool:
    return isinstance(value, Number) and not isinstance(value, bool)


def _close(expected: Number, got: Number, tol: float) -> bool:
    if isinstance(expected, int) and isinstance(got, int):
        return abs(expected - got) <= tol
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    return expected == got or abs(expected - got) <= tol
