"""Reading TOML key by key, so that whatever is wrong is said with its file and key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from iotapretrain.errors import ConfigError, InputError


class TomlTable:
    """One table of a file. `path` is how a person finds it: competition[7B].active[0]."""

    def __init__(self, file: str, path: str, values: Mapping[str, Any]) -> None:
        self.file, self.path = file, path
        self._values = values

    @classmethod
    def of_text(cls, text: str, file: str) -> TomlTable:
        """The whole of a file."""
        try:
            return cls(file, "", tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(file, "syntax", str(error), "TOML 1.0") from None

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def wrong(self, key: str, problem: str, allowed: str) -> ConfigError:
        """The error for a key of this table."""
        return ConfigError(self.file, self._key(key), problem, allowed)

    def check_keys(self, known: Collection[str]) -> None:
        """Refuse every key that means nothing here: a misspelt one would silently not count."""
        for key in self._values:
            if key not in known:
                raise self.wrong(key, "unknown key", ", ".join(known))

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty. Without default the key is required, here and below."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, repr(value), "a text")
        return value

    def choice(self, key: str, names: Iterable[str], default: str | None = None) -> str:
        """A text that is one of the names."""
        value, known = self._get(key, default), list(names)
        if value not in known:
            raise self.wrong(key, repr(value), f"one of {', '.join(known)}")
        return str(value)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self._get(key, default)
        if not _is_integer(value):
            raise self.wrong(key, repr(value), "a whole number")
        return int(value)

    def number(self, key: str, default: float | None = None) -> float:
        value = self._get(key, default)
        if not (_is_integer(value) or isinstance(value, float)) or not math.isfinite(value):
            raise self.wrong(key, repr(value), "a finite number")
        return float(value)

    def scaled(self, key: str, one: int, default: int | None = None) -> int:
        """A whole number as it is, a decimal as a multiple of `one`: as the SDK takes settings."""
        value = self._get(key, default)
        return int(value) if _is_integer(value) else round(self.number(key) * one)

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, repr(value), "true or false")
        return value

    def texts(self, key: str) -> list[str]:
        values = self._list(key)
        if not all(isinstance(value, str) and value for value in values):
            raise self.wrong(key, repr(values), "a list of texts")
        return values

    def integers(self, key: str, count: int) -> list[int]:
        values = self._list(key)
        if len(values) != count or not all(_is_integer(value) for value in values):
            raise self.wrong(key, repr(values), f"a list of {count} whole numbers")
        return values

    def document(self, key: str) -> dict[str, Any]:
        """A table as it is, for a rule that reads itself."""
        value = self._get(key, None)
        if not isinstance(value, dict):
            raise self.wrong(key, repr(value), "a table")
        return value

    def table(self, key: str) -> TomlTable:
        return TomlTable(self.file, self._key(key), self.document(key))

    def tables(self, key: str) -> list[TomlTable]:
        """An array of tables, at least one."""
        values = self._list(key)
        if not values or not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, repr(values), f"one table [[{self._key(key)}]] or more")
        return [
            TomlTable(self.file, f"{self._key(key)}[{value.get('name', index)}]", value)
            for index, value in enumerate(values)
        ]

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Give an error of a value that was built from this table the table's file and key."""
        try:
            yield
        except ConfigError as error:
            if error.file == self.file:
                raise
            raise self.wrong(error.key, error.problem, error.allowed) from None
        except InputError as error:
            problem, _, allowed = str(error).partition("; ")
            raise ConfigError(self.file, self.path, problem, allowed) from None

    def _get(self, key: str, default: Any) -> Any:
        if key not in self._values and default is None:
            raise self.wrong(key, "missing", "required here")
        return self._values.get(key, default)

    def _list(self, key: str) -> list[Any]:
        values = self._get(key, None)
        if not isinstance(values, list):
            raise self.wrong(key, repr(values), "a list")
        return values

    def _key(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
