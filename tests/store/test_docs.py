"""The guide to the journal is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iotapretrain.store import journal, open_journal
from iotapretrain.store.record import AUTHOR_LENGTH, KIND_LENGTH, PAYLOAD_BYTES, SIGNATURE_BYTES

GUIDE = (Path(__file__).parents[2] / "docs" / "journal.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(example, "docs/journal.md", "exec"), {})
    assert (tmp_path / "till.db").exists()


@pytest.mark.parametrize(
    "claim",
    [
        f"1 to {KIND_LENGTH} printable",
        f"at most {AUTHOR_LENGTH} printable",
        f"at most {SIGNATURE_BYTES:,} bytes",
        f"at most {PAYLOAD_BYTES // 2**20} MiB",
        f"{journal.PAGE_RECORDS:,} records or {journal.PAGE_BYTES // 2**20} MiB",
        f"chunk of {journal.CHUNK_RECORDS} records",
        f"more than {journal.PATIENCE_SECONDS} s",
        f"| {open_journal.CONNECT_SECONDS} s |",
        f"| {open_journal.STATEMENT_SECONDS} s |",
    ],
)
def test_the_numbers_are_those_of_the_code(claim: str) -> None:
    assert claim in GUIDE
