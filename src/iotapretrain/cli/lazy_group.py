"""A group whose commands are imported when they run, so that `iota --help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import typer
import typer.core
import typer.main


@dataclass(frozen=True)
class LazyCommand:
    """What the list says of a command, and where it is, as `MODULE:NAME` beside this file."""

    summary: str
    place: str

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


def lazy_group(entries: Mapping[str, LazyCommand]) -> type[typer.core.TyperGroup]:
    """The class of a group that has these commands: `typer.Typer(cls=…)`."""

    class LazyGroup(typer.core.TyperGroup):
        def __init__(self, **given: Any) -> None:
            """With as much of each command as a list of them shows."""
            super().__init__(**given)
            self.commands = {
                name: typer.core.TyperCommand(name, help=entry.summary)
                for name, entry in entries.items()
            }

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
            """The command itself, imported now that somebody wants it."""
            name, _, rest = super().resolve_command(ctx, args)
            return name, entries[name].load(name) if name else None, rest

        def format_help(self, ctx: Any, formatter: Any) -> None:
            _import_renderer()
            super().format_help(ctx, formatter)

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
