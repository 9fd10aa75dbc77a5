from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.data.source import check_pin, description_of, spans
from iotapretrain.errors import ChangedSourceError, CorruptSourceError
from iotapretrain.rules.sampling import Page


@dataclass(frozen=True)
class File:
    config: str
    rows: int


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), min_size=1, max_size=8),
    st.integers(1, 7),
)
def test_pages_touch_every_row_of_every_file_once_and_in_order(
    sizes: list[tuple[str, int]], page_rows: int
) -> None:
    files = [File(config, rows) for config, rows in sizes]
    if not any(file.rows for file in files):
        with pytest.raises(CorruptSourceError):
            description_of("set", "1", files)
        return
    description = description_of("set", "1", files)
    assert [config.name for config in description.configs] == sorted({name for name, _ in sizes})
    for config in description.configs:
        seen = [
            (id(file), row)
            for start in range(0, config.rows, page_rows)
            for file, first, stop in spans(
                description,
                files,
                Page(config.name, start, min(page_rows, config.rows - start)),
            )
            for row in range(first, stop)
        ]
        mine = [file for file in files if file.config == config.name]
        assert seen == [(id(file), row) for file in mine for row in range(file.rows)]


def test_a_pin_holds_or_is_refused() -> None:
    check_pin("set", "folder", None, "files-1")
    check_pin("set", "folder", "files-1", "files-1")
    with pytest.raises(ChangedSourceError, match="files-1 is pinned and folder has files-2"):
        check_pin("set", "folder", "files-1", "files-2")
