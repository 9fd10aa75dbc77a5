"""Options that belong together are options like all others, and reach the command as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from iotapretrain.cli.option_groups import with_groups


@dataclass(frozen=True)
class Shape:
    width: Annotated[int, typer.Option("--wide", min=1)]
    colour: Annotated[str, typer.Option(envvar="TEST_COLOUR")] = "red"


@dataclass(frozen=True)
class Placed(Shape):
    depth: Annotated[int | None, typer.Option()] = None


def app() -> typer.Typer:
    made = typer.Typer()

    @made.command()
    @with_groups
    def draw(
        name: Annotated[str, typer.Argument()], shape: Placed, times: Annotated[int, typer.Option()]
    ) -> None:
        """Draw something."""
        print(name, shape, times)

    return made


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["box", "--wide", "2", "--times", "3"],
            "box Placed(width=2, colour='red', depth=None) 3",
        ),
        (
            ["--times", "3", "--depth", "4", "--colour", "blue", "--wide", "2", "box"],
            "box Placed(width=2, colour='blue', depth=4) 3",
        ),
    ],
)
def test_fields_are_options_and_arrive_as_one_value(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app(), arguments)
    assert done.exit_code == 0, done.output
    assert done.output.strip() == said


def test_an_option_of_a_group_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_COLOUR", "green")
    done = CliRunner().invoke(app(), ["box", "--wide", "2", "--times", "3"])
    assert "colour='green'" in done.output


@pytest.mark.parametrize("missing", ["--wide", "--times"])
def test_what_has_no_default_must_be_given(missing: str) -> None:
    given = {"--wide": "2", "--times": "3"}
    words = [word for name, value in given.items() if name != missing for word in (name, value)]
    done = CliRunner().invoke(app(), ["box", *words])
    assert done.exit_code == 2
    assert missing in done.output


def test_a_range_of_a_group_is_kept() -> None:
    done = CliRunner().invoke(app(), ["box", "--wide", "0", "--times", "3"])
    assert done.exit_code == 2
    assert done.output
