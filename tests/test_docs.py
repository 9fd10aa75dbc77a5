"""Documentation that is wrong fails: commands and options that are gone, dead links."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from iotapretrain.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMAND = re.compile(r"(?:^|`)(?:\.venv/bin/)?iota (?P<rest>[^`\n]*)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|#)(?P<target>[^)#]+)")
BENCH = re.compile(r"python -m (?P<module>bench\.\w+)")


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for match in COMMAND.finditer(page.read_text()):
            yield page.name, match["rest"].strip()


@pytest.mark.parametrize(("page", "line"), sorted(set(commands())))
def test_every_command_exists(page: str, line: str) -> None:
    command = typer.main.get_command(app)
    words = shlex.split(line.replace("…", "").split(" # ")[0].split(" > ")[0].split(" | ")[0])
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        assert words[0] in command.commands, f"{page}: iota {line}: no command {words[0]!r}"
        _, command, _ = command.resolve_command(typer.Context(command), [words.pop(0)])
    given = [[*each.opts, *each.secondary_opts] for each in command.params]
    known = {"--help"}.union(*given)
    unknown = {word.split("=")[0] for word in words if word.startswith("--")} - known
    assert not unknown, f"{page}: iota {line}: unknown {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for match in LINK.finditer(page.read_text()):
        assert (page.parent / match["target"]).exists(), f"{page.name}: {match['target']}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_benchmark_exists(page: Path) -> None:
    for match in BENCH.finditer(page.read_text()):
        if match["module"] != "bench.NAME":
            assert (ROOT / (match["module"].replace(".", "/") + ".py")).exists(), match["module"]


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = {re.split(r"[\[<>=!~; ]", name)[0] for name in wanted} - {"iotapretrain"}
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()
    assert not {name for name in names if name not in reasons}


def test_the_map_names_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "src" / "iotapretrain").glob("*/__init__.py")}
    drawn = (ROOT / "ARCHITECTURE.md").read_text()
    assert not {room for room in rooms if f"`{room}/`" not in drawn}
