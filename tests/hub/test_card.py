"""Model cards: made on publishing, read back exactly, harmless whatever was written into them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError, RefusedModelError
from iotapretrain.hub.card import Card, TrainingData

PARENT = "alice/model@" + "0123456789" * 4

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
cards = st.builds(
    Card,
    title=words,
    competition=words,
    licence=st.sampled_from(["mit", "apache-2.0", "cc-by-sa-4.0"]),
    tokens=st.integers(0, 10**15),
    loss=st.floats(0, 100),
    training_data=st.lists(
        st.builds(
            TrainingData,
            source=words | st.just("HuggingFaceFW/fineweb"),
            revision=st.none() | words,
            share=st.floats(0.001, 1),
        ),
        max_size=4,
    ).map(tuple),
    parent=st.none() | st.just(PARENT),
)
HOSTILE = Card(
    title="# <script>alert(1)</script>\n---\n[x](javascript:x)",
    competition="| 3B |\n|---|",
    licence="mit",
    tokens=1_000_000,
    loss=2.345678,
    training_data=(
        TrainingData("![](http://evil/x.png)", "`rm`\u202e\x1b[31m", 0.25),
        TrainingData("HuggingFaceFW/fineweb", None, 0.75),
    ),
    parent=PARENT,
)


@given(cards)
def test_a_card_is_read_back_exactly(card: Card) -> None:
    assert Card.parse(card.render()) == card


@given(cards)
def test_what_is_written_into_a_card_stays_in_its_cell(card: Card) -> None:
    body = card.render().split("\n---\n", 1)[1].rpartition("## Training data")
    facts, data = body[0], body[2]
    for table, columns in ((facts, 2), (data, 3)):
        rows = [line for line in table.split("\n") if line.startswith("|")]
        assert all(len(re.findall(r"(?<!\\)\|", row)) == columns + 1 for row in rows)
    assert facts.count("\n# ") == 1
    assert not re.search(r"(?<!\\)[<>\[\]`!]", body[0] + body[2])
    assert all(letter.isprintable() or letter == "\n" for letter in body[0] + body[2])


def test_the_head_speaks_to_the_hub() -> None:
    head = HOSTILE.render().split("---\n")[1:]
    text = "---\n".join(head)
    assert "license: mit\n" in text
    assert "base_model: alice/model\n" in text
    assert "datasets:\n- HuggingFaceFW/fineweb\n" in text


def test_the_body_tells_people_everything() -> None:
    body = HOSTILE.render().rpartition("---\n\n# ")[2]
    for fact in ("1,000,000", "2.34568", "mit", r"alice\/model\@0123456789", "not pinned", "0.25"):
        assert fact in body


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# no head",
        "---\nlicense: mit\n---\n",
        "---\niotapretrain: [1]\n---\n",
        "---\n" + "a: &a [x]\nb: *a\n" + "---\n",
        "---\n!!python/object/apply:os.system ['true']\n---\n",
        "---\n{{{\n---\n",
        "---\n" + "x" * 70_000 + "\n---\n",
        HOSTILE.render().replace("tokens: 1000000", "tokens: -5"),
        HOSTILE.render().replace("loss: 2.345678", "loss: .nan"),
        HOSTILE.render().replace("share: 0.25", "share: 25"),
    ],
)
def test_cards_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(RefusedModelError, match="model card"):
        Card.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"licence": "Do What You Want"},
        {"licence": ""},
        {"tokens": -1},
        {"loss": float("nan")},
        {"loss": float("inf")},
        {"loss": -0.1},
        {"parent": "alice/model@main"},
        {"title": "\ud800"},
    ],
)
def test_what_no_card_may_say(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {
        "title": "t",
        "competition": "3B",
        "licence": "mit",
        "tokens": 1,
        "loss": 1.0,
        "training_data": (),
    }
    with pytest.raises(InputError):
        Card(**{**right, **wrong})  # type: ignore[arg-type]
