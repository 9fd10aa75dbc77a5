"""Headers that lie: refused in a sentence, whatever they hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from iotapretrain.models.open_files import OpenFile
from iotapretrain.models.verdict import Code, Rejection
from iotapretrain.models.weight_files import LARGEST_HEADER, TensorEntry, read_header
from tests.models.zoo import write_header

GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "BF16", "U8", "X", 3]) | JSON,
        "shape": st.lists(st.integers(-1, 2**70), max_size=10) | JSON,
        "data_offsets": st.lists(st.integers(-1, 40), min_size=1, max_size=3) | JSON,
    }
)


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield OpenFile.of(path.name, descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> tuple[TensorEntry, ...]:
    with opened(path) as file:
        return read_header(file)


def test_it_finds_what_the_library_wrote(llama: Path) -> None:
    path = llama / "model.safetensors"
    expected = load_file(path)
    entries = read(path)
    assert {each.name: each.shape for each in entries} == {
        name: tuple(tensor.shape) for name, tensor in expected.items()
    }
    content = path.read_bytes()
    for entry in entries:
        assert content[entry.start : entry.end] == expected[entry.name].numpy().tobytes()


LIES: dict[str, tuple[Any, bytes, int | None]] = {
    "nothing": (b"", b"", None),
    "no tensors": ({"__metadata__": {}}, b"", None),
    "longer than the file": ({"a": GOOD}, b"\0" * 8, 10**6),
    "longer than anybody reads": ({"a": GOOD}, b"\0" * 8, 2**63),
    "a list": ([], b"", None),
    "bytes that are missing": ({"a": GOOD}, b"\0" * 7, None),
    "bytes too many": ({"a": GOOD}, b"\0" * 9, None),
    "a shape that lies": ({"a": GOOD | {"shape": [3]}}, b"\0" * 8, None),
    "a shape that overflows": ({"a": GOOD | {"shape": [2**40, 2**40]}}, b"\0" * 8, None),
    "a negative size": ({"a": GOOD | {"shape": [-2]}}, b"\0" * 8, None),
    "a size that is true": ({"a": GOOD | {"shape": [True, 2]}}, b"\0" * 8, None),
    "too many dimensions": ({"a": GOOD | {"shape": [1] * 9 + [2]}}, b"\0" * 8, None),
    "offsets turned round": ({"a": GOOD | {"data_offsets": [8, 0]}}, b"\0" * 8, None),
    "offsets behind the end": ({"a": GOOD | {"data_offsets": [8, 16]}}, b"\0" * 8, None),
    "an overlap": ({"a": GOOD, "b": GOOD}, b"\0" * 8, None),
    "a gap": ({"a": GOOD, "b": GOOD | {"data_offsets": [12, 20]}}, b"\0" * 20, None),
    "an unknown dtype": ({"a": GOOD | {"dtype": "Q4"}}, b"\0" * 8, None),
    "something more": ({"a": GOOD | {"load": "os.system"}}, b"\0" * 8, None),
    "a name twice": (b'{"a": {}, "a": {}}', b"", None),
    "a name of control characters": ({"a\x1b[2J": GOOD}, b"\0" * 8, None),
}


@pytest.mark.parametrize(("header", "content", "length"), LIES.values(), ids=LIES)
def test_lies(tmp_path: Path, header: Any, content: bytes, length: int | None) -> None:
    path = tmp_path / "x.safetensors"
    write_header(path, header, content, length)
    with pytest.raises(Rejection) as caught:
        read(path)
    assert caught.value.finding.code == Code.HEADER
    assert caught.value.finding.item == "x.safetensors"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.dictionaries(st.text(max_size=5), ENTRIES | JSON, max_size=4) | JSON | st.binary(),
    content=st.binary(max_size=40),
    length=st.none() | st.integers(0, 2**64 - 1),
)
def test_any_header_is_read_or_refused(
    tmp_path: Path, header: Any, content: bytes, length: int | None
) -> None:
    path = tmp_path / "x.safetensors"
    write_header(path, header, content, length)
    try:
        entries = read(path)
    except Rejection:
        return
    assert sum(entry.end - entry.start for entry in entries) <= path.stat().st_size
    assert entries[-1].end == path.stat().st_size


def test_the_largest_header_is_bounded() -> None:
    """A model of 14 billion parameters has one of 100 KB."""
    assert LARGEST_HEADER <= 2**24
