"""`docs/records.md` says what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from iotapretrain.observe.events import AnyEvent
from iotapretrain.observe.records_page import records_page

PAGE = Path(__file__).parents[2] / "docs" / "records.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == records_page(), "run: iota records schema > docs/records.md"


def test_every_kind_has_a_section_and_every_field_a_row() -> None:
    page = records_page()
    for kind in get_args(AnyEvent):
        section = page.split(f"## `{kind.__struct_config__.tag}`\n")[1].split("\n## ")[0]
        own = set(kind.__struct_fields__) - {"time", "source"}
        assert all(f"| `{name}` |" in section for name in own)
