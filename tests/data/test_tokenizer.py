from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.data.tokenizer import (
    END_TOKEN,
    Tokenizer,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)
from iotapretrain.errors import InputError, UnavailableSourceError
from tests.data.web import Web

TEXTS = [
    f"the {adjective} fox jumps over the {noun}\n" for adjective in "abc" for noun in "xyz"
] * 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return save_tokenizer(train_tokenizer(TEXTS, 300), tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture
def kinds(tokens: Tokenizer, trained: Tokenizer) -> list[Tokenizer]:
    return [tokens, trained]


@given(st.lists(st.text(max_size=60), max_size=8))
def test_tokens_give_the_text_back(tokens: Tokenizer, texts: list[str]) -> None:
    encoded = tokens.encode(texts)
    assert [tokens.backend.decode(ids.tolist()) for ids in encoded] == texts
    assert [len(ids) for ids in encoded] == [len(text.encode()) for text in texts]


def test_literal_end_tokens_are_text(kinds: list[Tokenizer]) -> None:
    for tokenizer in kinds:
        for text in (END_TOKEN, f"a{END_TOKEN}b", f" {END_TOKEN} {END_TOKEN}"):
            (ids,) = tokenizer.encode([text])
            assert tokenizer.end_id not in ids
            assert tokenizer.backend.decode(ids.tolist(), skip_special_tokens=False) == text


def test_flat_tokens_and_offsets(tokens: Tokenizer) -> None:
    ids, offsets = tokens.encode_flat(["ab", "", "c"])
    assert offsets.tolist() == [0, 2, 2, 3]
    assert ids.dtype == np.int32
    assert len(tokens.encode_flat([])[0]) == 0


def test_many_texts_are_tokenised_in_batches(
    tokens: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"text {i}" for i in range(50)]
    whole = tokens.encode_flat(texts)
    monkeypatch.setattr("iotapretrain.data.tokenizer.BATCH_CHARACTERS", 20)
    assert all(np.array_equal(a, b) for a, b in zip(tokens.encode_flat(texts), whole, strict=True))


def test_a_trained_tokenizer_learns_and_has_the_size_asked_for(trained: Tokenizer) -> None:
    assert trained.vocabulary <= 300
    (ids,) = trained.encode(["the a fox jumps over the x\n"])
    assert len(ids) < 12
    assert trained.end_id == 0


SCRIPT = """
import sys
from pathlib import Path
from iotapretrain.data.tokenizer import save_tokenizer, train_tokenizer
texts = [f"the {a} fox {a * 3} jumps {b} over" for a in "abcdefg" for b in "tuvwxyz"] * 9
print(save_tokenizer(train_tokenizer(texts, 400), Path(sys.argv[1])).digest)
"""


def test_training_is_the_same_in_any_process(tmp_path: Path) -> None:
    digests = set()
    for number, parallel in enumerate(("true", "false", "true")):
        environment = {"PYTHONHASHSEED": str(number), "TOKENIZERS_PARALLELISM": parallel}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / str(number))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout)
    assert len(digests) == 1


def test_digests_tell_tokenizers_apart(
    tokens: Tokenizer, trained: Tokenizer, tmp_path: Path
) -> None:
    assert tokens.digest == load_tokenizer("bytes").digest
    assert trained.digest != tokens.digest
    again = save_tokenizer(train_tokenizer(TEXTS, 300), tmp_path)
    assert again.digest == trained.digest
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["model"]["merges"].pop()
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert load_tokenizer(str(tmp_path)).digest != trained.digest


def test_truncation_padding_and_added_tokens_of_the_file_do_not_count(
    trained: Tokenizer, tmp_path: Path
) -> None:
    backend = train_tokenizer(TEXTS, 300)
    backend.enable_truncation(4)
    backend.enable_padding(length=10)
    loaded = save_tokenizer(backend, tmp_path)
    text = "the a fox jumps over the x\n" * 5
    assert np.array_equal(loaded.encode([text])[0], trained.encode([text])[0])


def test_the_end_token_is_named_or_the_only_special_one(tmp_path: Path) -> None:
    backend = train_tokenizer(TEXTS, 300)
    backend.add_special_tokens(["<s>"])
    folder = tmp_path / "t"
    save_tokenizer(backend, folder)
    settings = folder / "tokenizer_config.json"
    settings.write_text('{"eos_token": {"content": "<s>"}}')
    assert load_tokenizer(str(folder)).end_token == "<s>"
    settings.unlink()
    assert load_tokenizer(str(folder / "tokenizer.json")).end_token == END_TOKEN
    settings.write_text('{"eos_token": "</none>"}')
    with pytest.raises(InputError, match="'</none>' is not in its vocabulary"):
        load_tokenizer(str(folder))


def test_a_tokenizer_that_gives_its_end_token_for_text_is_refused(tmp_path: Path) -> None:
    save_tokenizer(train_tokenizer(TEXTS, 300), tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "f"}')
    tokenizer = load_tokenizer(str(tmp_path))
    with pytest.raises(InputError, match="gives its end token"):
        tokenizer.encode(["f"])


def test_bad_places_are_said_in_one_line(tmp_path: Path) -> None:
    for place in ("gpt2", "team/name", "team/name@main", f"team/name@{'a' * 39}"):
        with pytest.raises(InputError, match="no such file or folder"):
            load_tokenizer(place)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"not a tokenizer\.json"):
        load_tokenizer(str(tmp_path))
    (tmp_path / "tokenizer.json").write_bytes(b"\xff")
    with pytest.raises(InputError, match="cannot be read"):
        load_tokenizer(str(tmp_path))
    with pytest.raises(InputError, match="give 257 or more"):
        train_tokenizer(TEXTS, 256)


def test_a_tokenizer_that_cannot_be_fetched(hub: Web) -> None:
    with pytest.raises(UnavailableSourceError, match="tokenizer cannot be fetched"):
        load_tokenizer(f"team/name@{'a' * 40}")
