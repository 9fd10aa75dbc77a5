"""One table of a TOML file, read key by key so that every complaint can name file and key.

Settings may be written in two ways, as the SDK's own `SetHyperparameter` takes them: an integer is
the raw number that the chain stores (rao, u16, millionths), a decimal the human one (TAO, 0 to 1).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from iotapretrain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Section:
    """A table, and where it stands: `key` is the path to it within the file."""

    file: str
    table: Mapping[str, Any]
    key: str = ""

    def only(self, allowed: Collection[str]) -> None:
        """Refuse keys that nobody will read."""
        for name in self.table:
            if name not in allowed:
                self.refuse(name, "unknown key", ", ".join(allowed))

    def refuse(self, name: str, problem: str, allowed: str) -> NoReturn:
        """Say what is wrong with the value of a key of this table."""
        raise ConfigError(self.file, f"{self.key}.{name}" if self.key else name, problem, allowed)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default the key is required."""
        value = self.table.get(name, default)
        if value is None:
            self.refuse(name, "missing", "a text")
        if not isinstance(value, str) or not value:
            self.refuse(name, f"{value!r} is no text", "a text that is not empty")
        return value

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts."""
        value = self.table.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.refuse(name, f"{value!r} is no list of texts", 'such as ["default"]')
        return tuple(value)

    def number(self, name: str, lowest: int, highest: int, one: int = 1) -> int:
        """A setting: an integer is the raw number, a decimal is a multiple of `one`."""
        allowed = f"{lowest} to {highest}" + (f", or a decimal ({one} is 1.0)" if one > 1 else "")
        value = self._decimal(name, allowed)
        raw = int(value) if isinstance(self.table[name], int) else round(value * one)
        if not lowest <= raw <= highest or (one == 1 and raw != value):
            self.refuse(name, f"{value} is out of range", allowed)
        return raw

    def amount(self, name: str, highest: int, one: int, default: int | None = None) -> int:
        """An amount of coins or seconds in units of `one`, with or without a decimal point."""
        allowed = f"0 to {highest // one}"
        if default is not None and name not in self.table:
            return default
        raw = round(self._decimal(name, allowed) * one)
        if not 0 <= raw <= highest:
            self.refuse(name, f"{self.table[name]} is out of range", allowed)
        return raw

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no."""
        value = self.table.get(name, default)
        if not isinstance(value, bool):
            self.refuse(name, f"{value!r} is neither true nor false", "true, false")
        return value

    def section(self, name: str) -> Section:
        """A table within this one; an absent one is empty."""
        value = self.table.get(name, {})
        if not isinstance(value, dict):
            self.refuse(name, "not a table", f"[{name}]")
        return Section(self.file, value, f"{self.key}.{name}" if self.key else name)

    def sections(self, name: str) -> list[Section]:
        """A list of tables within this one; an absent one is empty."""
        values = self.table.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.refuse(name, "not a list of tables", f"[[{name}]]")
        path = f"{self.key}.{name}" if self.key else name
        return [Section(self.file, v, f"{path}[{place}]") for place, v in enumerate(values)]

    def _decimal(self, name: str, allowed: str) -> Decimal:
        value = self.table.get(name)
        if value is None:
            self.refuse(name, "missing", allowed)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse(name, f"{value!r} is no number", allowed)
        if not Decimal(value).is_finite():
            self.refuse(name, f"{value} is no number", allowed)
        return Decimal(value)


def read_toml(path: Path) -> Section:
    """A whole TOML file."""
    try:
        text = path.read_text(encoding="utf-8")
        return Section(str(path), tomllib.loads(text, parse_float=Decimal))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(str(path), "(file)", reason, "a TOML file that can be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "(file)", str(error), "valid TOML") from error
