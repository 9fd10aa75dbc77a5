"""Generated tasks: the same everywhere, never twice, and answered by what they say themselves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.data.batches import draw
from iotapretrain.data.datasets import open_source
from iotapretrain.data.outcome import round_text
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.stream import Plan, StreamPart, TokenStream
from iotapretrain.data.synthetic.generated_source import ROWS, SYNTHETIC, SyntheticSource, item
from iotapretrain.data.synthetic.invoices import FIELDS, QUESTION
from iotapretrain.data.synthetic.item import Item
from iotapretrain.data.tokenizer import Tokenizer
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.schedule_file import parse
from iotapretrain.rules.sampling import Page

GOLDEN = json.loads((Path(__file__).parent / "golden" / "synthetic.json").read_text())
NAMES = sorted(SYNTHETIC)
rows = st.integers(0, ROWS - 1)

COMPETITION = """
sync_cadence = 10
[architectures]
all = ["LlamaForCausalLM"]
[tasks]
skills = [
    { name = "INVOICES", dataset = "synthetic/invoices", pages = 3, page_rows = 4, weight = 0.5, \
packed = false },
    { name = "RECALL", dataset = "synthetic/recall", pages = 3, page_rows = 4, weight = 0.5 },
]
[[competition]]
name = "skills"
id = 5
parameters = [1, 1_000_000]
sequence_length = 512
tokenizer = "bytes"
max_bytes = 1_000_000
architectures = "all"
epsilon = { type = "fixed", epsilon = 0.005 }
    [[competition.active]]
    from = 0
    share = 1.0
    tasks = "skills"
"""


@pytest.mark.parametrize("name", NAMES)
def test_no_row_ever_changes(name: str) -> None:
    golden = GOLDEN[name]
    assert open_source(name, PageCache(Path("unused"))).describe().revision == golden["revision"]
    for row, texts in golden["rows"].items():
        assert [item(name, int(row)).prompt, item(name, int(row)).answer] == texts


def test_a_process_with_other_hashes_and_locale_makes_the_same_rows() -> None:
    program = (
        "from iotapretrain.data.synthetic.generated_source import SYNTHETIC, SyntheticSource\n"
        "for name in sorted(SYNTHETIC): print(SyntheticSource(name).describe().revision)"
    )
    environment = {"PYTHONHASHSEED": "99", "LC_ALL": "C", "PYTHONPATH": ":".join(sys.path)}
    there = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == [GOLDEN[name]["revision"] for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_neighbouring_rows_have_nothing_in_common(name: str) -> None:
    made = [item(name, row).text for row in range(2_000)]
    assert len(set(made)) == len(made)


def solve_arithmetic(prompt: str) -> str:
    left, sign, right = prompt.splitlines()[-1].removesuffix(" =").split(" ")
    a, b = int(left), int(right)
    return str({"+": a + b, "-": a - b, "*": a * b}[sign])


def solve_copying(prompt: str) -> str:
    first, second = prompt.split("\n")
    assert second == "Copy:"
    return first.removeprefix("Text: ")


def solve_recall(prompt: str) -> str:
    known = dict(line.split(" = ") for line in prompt.splitlines() if " = " in line)
    return known[prompt.splitlines()[-1].removesuffix("?")]


LABELS = {
    "number": r"(?:Invoice no\.|Invoice number|Invoice|Bill no\.): (.+)",
    "date": r"(?:Date|Issued|Invoice date): (.+)",
    "seller": r"\A(.+)",
    "buyer": r"(?:Bill to|To|Customer): (.+)",
    "tax": r"(?:Tax|VAT|Sales tax) \d+%: (.+)",
    "total": r"(?:Total|Amount due|To pay) \([A-Z]{3}\): (.+)",
}


def solve_invoices(prompt: str) -> str:
    """As a person would read it: by the labels."""
    assert prompt.endswith(f"\n\n{QUESTION}")
    found = {}
    for name, label in LABELS.items():
        anchored = label if label.startswith(r"\A") else f"^{label}"
        (found[name],) = re.findall(f"{anchored}$", prompt, re.MULTILINE)
    return "\n".join(f"{name}: {found[name]}" for name in FIELDS)


SOLVERS: dict[str, Callable[[str], str]] = {
    "synthetic/arithmetic": solve_arithmetic,
    "synthetic/copying": solve_copying,
    "synthetic/invoices": solve_invoices,
    "synthetic/recall": solve_recall,
}


@pytest.mark.parametrize("name", NAMES)
@given(row=rows)
def test_the_answer_follows_from_the_prompt(name: str, row: int) -> None:
    made = item(name, row)
    assert SOLVERS[name](made.prompt) == made.answer.strip()
    assert made.text.isascii()
    assert len(made.text) < (512 if name == "synthetic/invoices" else 256)


@given(row=rows)
def test_amounts_of_invoices_add_up(row: int) -> None:
    prompt = item("synthetic/invoices", row).prompt
    cents = [
        (int(count), round(float(price) * 100), round(float(cost) * 100))
        for count, price, cost in re.findall(r"(\d) x \w+ at (\S+) = (\S+)", prompt)
    ]
    assert all(count * price == cost for count, price, cost in cents)
    foot = prompt.split("\n\n")[-2]
    net, tax, total = (round(float(line.split(": ")[1]) * 100) for line in foot.splitlines())
    (rate,) = re.findall(r"(\d+)%", foot)
    assert net == sum(cost for _, _, cost in cents)
    assert abs(tax - net * int(rate) / 100) <= 0.5
    assert total == net + tax


@given(row=rows)
def test_every_line_of_arithmetic_is_right(row: int) -> None:
    for line in item("synthetic/arithmetic", row).text.splitlines():
        question, answer = line.rsplit(" ", 1)
        assert solve_arithmetic(question) == answer


def test_pages_are_rows_and_end_where_the_rows_end(cache: PageCache) -> None:
    source = open_source("synthetic/recall", cache)
    texts = [document.text for document in source.fetch(Page("all", ROWS - 3, 3))]
    assert texts == [item("synthetic/recall", row).text for row in range(ROWS - 3, ROWS)]
    with pytest.raises(InputError, match="asked for"):
        source.fetch(Page("all", ROWS - 1, 2))


def test_seeds_draw_rows_far_apart() -> None:
    description = SyntheticSource("synthetic/copying").describe()
    first, second = (
        {page.start for page in draw(description, seed, 0, "T", 1).first(50)} for seed in (1, 2)
    )
    assert len(first | second) == 100


def test_a_competition_scores_generated_tasks(cache: PageCache, tokens: Tokenizer) -> None:
    (competition,) = parse(COMPETITION, "skills.toml").competitions
    length = competition.constraints.sequence_length
    text = round_text(competition.tasks, competition.models, 7, length, tokens, cache)
    again = round_text(
        competition.tasks, competition.models, 7, length, tokens, PageCache(cache.folder / "2")
    )
    other = round_text(competition.tasks, competition.models, 8, length, tokens, cache)
    assert text.missing == ()
    for name in ("INVOICES", "RECALL"):
        digests = [each.batches[name].digest for each in (text, again, other)]
        assert digests[0] == digests[1] != digests[2]
    batch = text.batches["INVOICES"]
    assert len(batch.sequences) == 12, "each invoice has a sequence of its own"
    assert batch.counted is not None
    page = batch.pages[0].page
    shown = tokens.backend.decode(batch.sequences[0][batch.counted[0]][:-1].tolist())
    assert shown == item("synthetic/invoices", page.start).text


def test_training_can_stream_them(cache: PageCache, tokens: Tokenizer) -> None:
    part = StreamPart(SyntheticSource("synthetic/recall"), page_rows=4, held_out=1)
    stream = TokenStream(Plan([part], tokens, sequence_length=64, seed=1), cache)
    shown = tokens.backend.decode(stream.take(8).ravel().tolist())
    stream.close()
    assert " = " in shown
    assert "? " in shown


def test_what_a_text_consists_of() -> None:
    assert Item("1 + 1 =", " 2").text == "1 + 1 = 2\n"
