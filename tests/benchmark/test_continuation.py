"""Greedy answers are those of `transformers`, whatever else is in the batch."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from iotapretrain.benchmark.opened_model import Opened, continued
from iotapretrain.benchmark.subject import Prompt
from tests.benchmark.conftest import nothing
from tests.models import zoo

TEXTS = ["The capital", "A seed and", "Of all tem", "Then", "Grüße an"]


def greedy(folder: Path, text: str, count: int) -> str:
    """The plain way: everything computed anew for each token."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = tokenizer(text, return_tensors="pt").input_ids
    start = ids.shape[1]
    for _ in range(count):
        with torch.no_grad():
            chosen = model(ids).logits[:, -1].argmax(1, keepdim=True)
        if chosen.item() == tokenizer.eos_token_id:
            break
        ids = torch.cat([ids, chosen], 1)
    return str(tokenizer.decode(ids[0, start:], skip_special_tokens=True))


def test_each_text_goes_on_as_if_it_were_alone(opened: Opened, folder: Path) -> None:
    answers = continued(opened, [Prompt(text, (), 12) for text in TEXTS], nothing)
    assert answers == [greedy(folder, text, 12) for text in TEXTS]
    assert len(set(answers)) > 1


def test_it_ends_at_the_first_stop(opened: Opened) -> None:
    (whole,) = continued(opened, [Prompt("Then", (), 12)], nothing)
    stop = whole[4:6]
    (answer,) = continued(opened, [Prompt("Then", ("never", stop), 12)], nothing)
    assert answer == whole[: whole.index(stop)]


def test_a_long_prompt_loses_its_beginning(opened: Opened) -> None:
    long = "x" * 500 + "Then what?"
    kept = zoo.POSITIONS - 8
    shown: list[tuple[int, int]] = []
    (answer,) = continued(opened, [Prompt(long, (), 8)], lambda *done: shown.append(done))
    ids = torch.tensor([opened.encode(long, framed=True)[-kept:]])
    expected = []
    for _ in range(8):
        with torch.no_grad():
            ids = torch.cat([ids, opened.model(ids).logits[:, -1].argmax(1, keepdim=True)], 1)
        expected.append(int(ids[0, -1]))
    assert [answer] == opened.decode([expected])
    assert shown == [(1, 1)]


def test_no_room_for_an_answer_is_no_answer(opened: Opened) -> None:
    assert continued(opened, [Prompt("a", (), zoo.POSITIONS)], nothing) == [""]
