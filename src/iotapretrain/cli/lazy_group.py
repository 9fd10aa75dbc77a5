"""A group whose commands are imported when they run, so that `iota --help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import typer
import typer.core
import typer.main


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is, as `MODULE:NAME` beside this file, and what the list says of it.

    The sentence repeats the first one of the command's own help: a test compares them.
    """

    place: str
    summary: str

    def load(self, name: str) -> Any:
        """Import the command, or the group of commands, as the root would have it."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(f"{__package__}.{module}"), attribute)
        around = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
        )
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=name)
            return vars(typer.main.get_command(around))["commands"][name]
        around.command(name)(found)
        return typer.main.get_command(around)


class LazyCommands(Mapping[str, Any]):
    """Commands by name, each made when it is asked for."""

    def __init__(self, entries: Mapping[str, LazyCommand]) -> None:
        self._entries = entries
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = self._entries[name].load(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def listed(self) -> dict[str, typer.core.TyperCommand]:
        """As much of each command as a list of them shows."""
        return {
            name: typer.core.TyperCommand(name, help=entry.summary)
            for name, entry in self._entries.items()
        }


def lazy_group(entries: Mapping[str, LazyCommand]) -> type[typer.core.TyperGroup]:
    """The class of a group that has these commands: `typer.Typer(cls=…)`."""

    class LazyGroup(typer.core.TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands = LazyCommands(entries)  # type: ignore[assignment]  # none is added

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the base passes it
            """Names alone, where typer's own looks at each command."""
            return list(self.commands)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            """The list, from the table; nothing is imported for it."""
            _import_renderer()
            shown = copy(self)
            shown.commands = LazyCommands(entries).listed()  # type: ignore[assignment]  # as above
            super(LazyGroup, shown).format_help(ctx, formatter)

    return LazyGroup


def _import_renderer() -> None:
    """Have typer's drawing of help, without what it imports for pages that are never drawn here.

    Markdown and pretty tracebacks, with the parsers and lexers behind them, would be a quarter of
    the time that `iota --help` takes. They get a stand-in while `typer.rich_utils` is imported;
    everybody else has the real ones.
    """
    unused = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
    stood_in = [name for name in unused if name not in sys.modules]
    for name in stood_in:
        module = ModuleType(name)
        setattr(module, unused[name], type(unused[name], (), {}))
        sys.modules[name] = module
    try:
        import_module("typer.rich_utils")
    finally:
        for name in stood_in:
            del sys.modules[name]
