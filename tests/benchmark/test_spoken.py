"""`iota generate`: what a model says, by whom it is opened, and how it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from typer.testing import CliRunner

from iotapretrain.benchmark.spelling import OwnSpelling
from iotapretrain.benchmark.spoken import Drawing, Speech, _ended, _pieces, speak
from iotapretrain.benchmark.subject import ModelText, identified
from iotapretrain.cli.main import app
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.errors import InputError
from iotapretrain.models.continuation import drawn
from iotapretrain.models.worker import Worker
from tests.models import zoo

LIKELIEST = Drawing(temperature=0)
BYTES = ModelText(OwnSpelling(load_tokenizer("bytes")), 257)


@pytest.mark.parametrize("name", ["LlamaForCausalLM", "StagedForCausalLM"])
def test_as_plain_transformers_goes_on(name: str, tmp_path: Path, worker: Worker) -> None:
    folder = zoo.save(zoo.network(name), tmp_path / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    prompt, most = "Of all tem", 30
    ids = torch.tensor([BYTES.encode(prompt, framed=True)])
    with torch.inference_mode():
        for _ in range(most):
            ids = torch.cat([ids, model(ids).logits[:, -1].argmax(1, keepdim=True)], 1)
    expected = ids[0, len(prompt) :].tolist()
    said: list[str] = []
    with identified("model", folder, "bytes") as subject:
        speech = speak(subject, prompt, most, LIKELIEST, worker, said.append)
    end = expected.index(256) if 256 in expected else most
    assert speech.tokens == expected[:end]
    assert "".join(said) == BYTES.decode([expected[:end]])[0]
    assert len(said) > 1, "it comes in pieces"


def test_it_ends_where_the_model_has_no_positions(folder: Path, worker: Worker) -> None:
    with identified("model", folder, None) as subject:
        long = "x" * (zoo.POSITIONS - 3)
        speech = speak(subject, long, 9, LIKELIEST, worker, len)
        assert len(speech.prompt) + len(speech.tokens) <= zoo.POSITIONS
        assert speech.ending in ("positions", "end")
        with pytest.raises(InputError, match="the model positions for 192, and needs one more"):
            speak(subject, long + "xxx", 9, LIKELIEST, worker, len)


@pytest.mark.parametrize(
    ("tokens", "most", "room", "kept", "ending"),
    [
        ([5, 6, 7], 2, 9, [5, 6], "max-tokens"),
        ([5, 6, 7], 9, 2, [5, 6], "positions"),
        ([5, 256, 7], 9, 9, [5], "end"),
    ],
)
def test_why_it_ends(tokens: list[int], most: int, room: int, kept: list[int], ending: str) -> None:
    speech = Speech((1,))
    assert list(_ended(BYTES, speech, iter(tokens), most, room)) == kept
    assert (speech.tokens, speech.ending) == (kept, ending)


def test_letters_come_whole() -> None:
    text = "aö€\U0001f600b"
    assert list(_pieces(BYTES, BYTES.encode(text, framed=False))) == list(text)
    cut = BYTES.encode("aö", framed=False)[:-1]
    assert list(_pieces(BYTES, cut)) == ["a", "\N{REPLACEMENT CHARACTER}"]


def test_tokens_are_drawn_by_their_odds() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0, -1.0]])
    many = logits.expand(20_000, 4)
    found = torch.bincount(drawn(0.5, 1.0, 0, 7)(many), minlength=4) / len(many)
    assert torch.allclose(found, (logits[0] / 0.5).softmax(0), atol=0.01)
    assert drawn(1.0, 1.0, 2, 7)(many).unique().tolist() == [1, 2]
    assert drawn(1.0, 0.6, 0, 7)(many).unique().tolist() == [1]  # of 0.64
    assert drawn(1.0, 0.7, 0, 7)(many).unique().tolist() == [1, 2]
    assert drawn(0.0, 1.0, 0, 7)(many).unique().tolist() == [1]
    choose, same = drawn(1.0, 1.0, 0, 8), drawn(1.0, 1.0, 0, 8)
    assert torch.equal(choose(many), same(many))
    assert not torch.equal(choose(many), drawn(1.0, 1.0, 0, 9)(many))


def test_one_document_says_all(folder: Path) -> None:
    options = ["--max-tokens", "5", "--seed", "3", "--top-k", "4", "--json"]
    result = CliRunner().invoke(app, ["generate", str(folder), "Then", *options])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["prompt"], told["seed"], told["top_k"]) == ("Then", 3, 4)
    assert told["tokens"] <= 5
    assert told["ended_by"] in ("max-tokens", "end")
    plain = CliRunner().invoke(app, ["generate", str(folder), "Then", *options[:-1]])
    assert plain.stdout == told["text"].translate(dict.fromkeys(CONTROLS, "�")) + "\n"


CONTROLS = {*range(32), *range(127, 160), 0xAD} - {9, 10}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("nowhere", "x"), "nowhere: no such folder; of a leaderboard's model name"),
        (("hub:nobody", "x"), "nobody"),
    ],
)
def test_wrong_names_are_told(arguments: tuple[str, ...], problem: str) -> None:
    result = CliRunner().invoke(app, ["generate", *arguments])
    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)


def test_a_drawing_keeps_to_its_ranges() -> None:
    for wrong in ({"temperature": -1}, {"top_p": 0}, {"top_p": 1.5}, {"top_k": -1}, {"seed": -1}):
        with pytest.raises(InputError):
            Drawing(**wrong)
