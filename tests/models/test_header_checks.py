"""Every reason that needs no weights, each from a model that is honest but for one thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from iotapretrain.errors import InputError
from iotapretrain.models.header_checks import Limits, check_claims, read_claims
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Code, Finding, Rejection
from tests.models import zoo
from tests.models.zoo import edit_config, edit_tensors, limits, write_header

HEAD = "lm_head.weight"
EMBEDDING = "model.embed_tokens.weight"


def findings(folder: Path, allowed: Limits) -> list[Finding]:
    try:
        with open_folder(folder) as opened:
            return list(check_claims(read_claims(opened, allowed), allowed))
    except Rejection as rejection:
        return [rejection.finding]


def codes(folder: Path, **changes: object) -> list[Code]:
    return [finding.code for finding in findings(folder, limits(**changes))]


def test_an_honest_model_gives_no_reason(folder: Path) -> None:
    assert findings(folder, limits()) == []


@pytest.mark.parametrize("name", zoo.SHAPES)
def test_every_architecture_passes_and_is_counted_right(name: str, tmp_path: Path) -> None:
    model = zoo.network(name)
    zoo.save(model, tmp_path)
    with open_folder(tmp_path) as opened:
        claims = read_claims(opened, limits())
        assert list(check_claims(claims, limits())) == []
    assert claims.facts.parameters == sum(each.numel() for each in model.parameters())
    assert claims.facts.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"max_parameters": 20_000}, Code.PARAMETERS),
        ({"min_parameters": 90_000}, Code.PARAMETERS),
        ({"architectures": frozenset({"GPT2LMHeadModel"})}, Code.ARCHITECTURE),
        ({"sequence_length": 193}, Code.SEQUENCE_LENGTH),
        ({"max_bytes": 5_000}, Code.BYTES),
    ],
)
def test_what_a_competition_does_not_allow(
    folder: Path, changes: dict[str, object], code: Code
) -> None:
    assert codes(folder, **changes) == [code]


@pytest.mark.parametrize(
    ("vocabulary", "fits"), [(257, True), (300, True), (301, False), (1, True)]
)
def test_the_vocabulary_holds_the_tokenizer(folder: Path, vocabulary: int, fits: bool) -> None:
    found = findings(folder, Limits(limits().constraints, vocabulary))
    assert [each.code for each in found] == ([] if fits else [Code.VOCABULARY])


def test_a_vocabulary_padded_far_beyond_the_tokenizer(folder: Path) -> None:
    edit_config(folder, vocab_size=513)
    assert codes(folder) == [Code.VOCABULARY]


CONFIGS: dict[str, tuple[dict[str, object], Code]] = {
    "code": ({"auto_map": {"AutoModelForCausalLM": "modeling.Mine"}}, Code.REMOTE_CODE),
    "quantized": ({"quantization_config": {"bits": 4}}, Code.BAD_CONFIG),
    "unknown class": ({"architectures": ["OsModel"]}, Code.ARCHITECTURE),
    "other class of transformers": ({"architectures": ["T5Model"]}, Code.ARCHITECTURE),
    "two classes": ({"architectures": ["LlamaForCausalLM", "X"]}, Code.BAD_CONFIG),
    "no class": ({"architectures": None}, Code.BAD_CONFIG),
    "other type": ({"model_type": "gpt2"}, Code.ARCHITECTURE),
    "no layers": ({"num_hidden_layers": 0}, Code.BAD_CONFIG),
    "layers without end": ({"num_hidden_layers": 10**9}, Code.BAD_CONFIG),
    "more layers than tensors": ({"num_hidden_layers": 900}, Code.MISSING_TENSOR),
    "half a layer": ({"num_hidden_layers": 1.5}, Code.BAD_CONFIG),
    "layers as text": ({"num_hidden_layers": "2"}, Code.BAD_CONFIG),
    "positions true": ({"max_position_embeddings": True}, Code.BAD_CONFIG),
    "positions without end": ({"max_position_embeddings": 2**40}, Code.BAD_CONFIG),
    "huge width": ({"hidden_size": 10**13}, Code.BAD_CONFIG),
    "nested width": ({"hidden_size": {"a": 1}}, Code.BAD_CONFIG),
    "an activation with code": ({"hidden_act": "__import__('os')"}, Code.BAD_CONFIG),
    "rotary text": ({"rope_parameters": {"rope_type": "evil"}}, Code.BAD_CONFIG),
    "rotary nesting": ({"rope_parameters": {"rope_theta": [1]}}, Code.BAD_CONFIG),
    "rotary list": ({"rope_scaling": [1]}, Code.BAD_CONFIG),
    "tied by text": ({"tie_word_embeddings": "yes"}, Code.BAD_CONFIG),
}


@pytest.mark.parametrize(("changes", "code"), CONFIGS.values(), ids=CONFIGS)
def test_a_hostile_configuration(folder: Path, changes: dict[str, object], code: Code) -> None:
    edit_config(folder, **changes)
    assert codes(folder) == [code]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"\xff",
        b"[" * 100_000,
        b" " * (2**20 + 1),
    ],
    ids=["empty", "list", "cut", "nan", "twice", "bytes", "deep", "long"],
)
def test_a_configuration_that_cannot_be_read(folder: Path, text: bytes) -> None:
    (folder / "config.json").write_bytes(text)
    assert codes(folder, max_bytes=2**21) == [Code.BAD_CONFIG]


def test_no_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert codes(folder) == [Code.NO_CONFIG]


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def add_code(folder: Path) -> None:
    (folder / "modeling.py").write_text("raise SystemExit")


def pickle_instead(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def add_pickle_below(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "optimizer.PT").write_bytes(b"")


def add_pipe(folder: Path) -> None:
    os.mkfifo(folder / "adapter.safetensors")


def dangling_link(folder: Path) -> None:
    (folder / "vocab.json").symlink_to("nowhere")


def add_stray_weights(folder: Path) -> None:
    save_file({"a": torch.zeros(1)}, folder / "other.safetensors")


def store_doubles(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({name: each.double() for name, each in tensors.items()}, folder / "model.safetensors")


def truncate(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 20_000)


def truncate_header(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 100)


def append(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"\0" * 8)


def tie(folder: Path) -> None:
    edit_config(folder, tie_word_embeddings=True)


def index_without_shards(folder: Path) -> None:
    index = {"weight_map": {HEAD: "model-1.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def index_that_lies(folder: Path) -> None:
    names = dict.fromkeys(load_file(folder / "model.safetensors"), "model.safetensors")
    del names[HEAD]
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))


def index_that_climbs(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {HEAD: "../model.safetensors"}}))


FOLDERS: dict[Callable[[Path], None], Code] = {
    remove_weights: Code.NO_WEIGHTS,
    add_code: Code.REMOTE_CODE,
    pickle_instead: Code.PICKLE,
    add_pickle_below: Code.PICKLE,
    add_pipe: Code.FILES,
    dangling_link: Code.FILES,
    add_stray_weights: Code.INDEX,
    truncate: Code.HEADER,
    truncate_header: Code.HEADER,
    append: Code.HEADER,
    tie: Code.TIED,
    index_without_shards: Code.INDEX,
    index_that_lies: Code.INDEX,
    index_that_climbs: Code.INDEX,
}


@pytest.mark.parametrize(("spoil", "code"), FOLDERS.items(), ids=lambda each: str(each)[:20])
def test_a_spoilt_folder(folder: Path, spoil: Callable[[Path], None], code: Code) -> None:
    spoil(folder)
    assert codes(folder) == [code]


def test_doubles_are_refused_tensor_by_tensor(folder: Path) -> None:
    store_doubles(folder)
    found = findings(folder, limits())
    assert {finding.code for finding in found} == {Code.DTYPE}
    assert EMBEDDING in {finding.item for finding in found}


def test_tied_parameters_count_once(folder: Path) -> None:
    """Counted twice, this model would be large enough."""
    tie(folder)
    with open_folder(folder) as opened:
        counted = read_claims(opened, limits()).facts.parameters
    stored = sum(each.numel() for each in load_file(folder / "model.safetensors").values())
    assert counted == stored - zoo.VOCABULARY * 32
    assert codes(folder, min_parameters=stored) == [Code.TIED, Code.PARAMETERS]
    edit_tensors(folder, {HEAD: None})
    assert codes(folder) == []


def test_links_as_in_a_hub_cache_are_followed(llama: Path, tmp_path: Path) -> None:
    for path in llama.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert findings(tmp_path, limits()) == []


def test_a_header_of_a_gigabyte_is_not_read(folder: Path) -> None:
    path = folder / "model.safetensors"
    write_header(path, b"{}", length=2**30)
    os.truncate(path, 2**30 + 8)
    assert codes(folder, max_bytes=2**31) == [Code.HEADER]


def test_shards_with_an_index(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shards = {name: f"model-{len(name) % 2}.safetensors" for name in tensors}
    for shard in set(shards.values()):
        part = {name: each for name, each in tensors.items() if shards[name] == shard}
        save_file(part, folder / shard)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": shards}))
    assert findings(folder, limits()) == []
    (folder / "model-0.safetensors").unlink()
    assert codes(folder) == [Code.INDEX]


def test_a_missing_folder_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"), open_folder(tmp_path / "none"):
        pass


def test_what_is_not_obeyed_has_no_effect(folder: Path) -> None:
    """Looking ahead, kernels from elsewhere, files to load instead: never read."""
    edit_config(
        folder,
        use_bidirectional_attention=True,
        is_causal=False,
        _attn_implementation="somebody/kernel",
        transformers_weights="other.bin",
    )
    with open_folder(folder) as opened:
        values = read_claims(opened, limits()).config.values
    assert "use_bidirectional_attention" not in values
    assert not {"is_causal", "_attn_implementation", "transformers_weights"} & values.keys()


def test_claims_need_no_torch() -> None:
    """They are judged before anything slow is imported."""
    code = (
        "import sys, iotapretrain.models.admission;"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
