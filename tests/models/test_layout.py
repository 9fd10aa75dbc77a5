"""The network that a configuration describes, against what is stored."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import transformers

from iotapretrain.models.header_checks import Claims, read_claims
from iotapretrain.models.layout import Model, check_layout, load
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Code, Rejection
from tests.models import zoo
from tests.models.zoo import edit_config, edit_tensors, limits

NORM = "model.norm.weight"


@contextmanager
def claims_of(folder: Path) -> Iterator[Claims]:
    with open_folder(folder) as opened:
        yield read_claims(opened, limits(max_bytes=2**21, max_parameters=10**6))


def layout_of(folder: Path) -> list[tuple[Code, str]]:
    with claims_of(folder) as claims:
        return [(each.code, each.item) for each in check_layout(claims.config, claims.tensors)]


def loaded(folder: Path, dtype: torch.dtype | None = None) -> Model:
    with claims_of(folder) as claims:
        return load(claims.config, claims.tensors, dtype)


@pytest.mark.parametrize("name", zoo.SHAPES)
def test_every_architecture_is_the_same_network_as_its_authors(name: str, tmp_path: Path) -> None:
    author = zoo.network(name)
    zoo.save(author, tmp_path)
    assert layout_of(tmp_path) == []
    model = loaded(tmp_path)
    ids = torch.arange(2, 130).view(2, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(ids).logits, author(ids).logits, rtol=1e-5, atol=1e-5)
    assert loaded(tmp_path, torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize("name", zoo.SHAPES)
def test_nothing_stored_depends_on_what_comes_later(name: str, tmp_path: Path) -> None:
    """A model that looks ahead would lose nothing on any text; its configuration cannot ask."""
    zoo.save(zoo.network(name), tmp_path)
    edit_config(tmp_path, use_bidirectional_attention=True, is_causal=False, is_decoder=False)
    model = loaded(tmp_path)
    ids = torch.arange(2, 66).view(1, 64)
    other = ids.clone()
    other[0, 40:] += 7
    with torch.inference_mode():
        assert torch.equal(model(ids).logits[:, :40], model(other).logits[:, :40])


def test_the_real_model_is_loaded_as_transformers_loads_it(real_model: Path) -> None:
    theirs = transformers.LlamaForCausalLM.from_pretrained(real_model)
    ours = loaded(real_model)
    ids = torch.arange(1, 400).view(1, -1)
    with torch.inference_mode():
        assert torch.equal(ours(ids).logits, theirs(ids).logits)


def test_a_missing_a_surplus_and_a_misshapen_tensor(folder: Path) -> None:
    edit_tensors(folder, {NORM: None, "extra": torch.zeros(1)})
    edit_tensors(folder, {"model.layers.0.mlp.up_proj.weight": torch.zeros(32, 64)})
    assert layout_of(folder) == [
        (Code.MISSING_TENSOR, NORM),
        (Code.SURPLUS_TENSOR, "extra"),
        (Code.SHAPE, "model.layers.0.mlp.up_proj.weight"),
    ]
    with pytest.raises(Rejection, match="is missing"):
        loaded(folder)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("LlamaForCausalLM", {"num_attention_heads": 7}),
        ("LlamaForCausalLM", {"num_attention_heads": 0}),
        ("LlamaForCausalLM", {"num_attention_heads": -2}),
        ("LlamaForCausalLM", {"hidden_size": 10**11}),
        ("LlamaForCausalLM", {"hidden_size": 1.5}),
        ("LlamaForCausalLM", {"hidden_size": None}),
        ("LlamaForCausalLM", {"rope_parameters": {"rope_type": "llama3"}}),
        ("LlamaForCausalLM", {"num_key_value_heads": 0}),
        ("Qwen2ForCausalLM", {"layer_types": ["full_attention"] * 100}),
        ("GPT2LMHeadModel", {"n_inner": -5}),
        ("GPTNeoXForCausalLM", {"hidden_act": 3}),
        ("FalconForCausalLM", {"num_kv_heads": 0, "new_decoder_architecture": True}),
    ],
)
def test_a_configuration_of_no_network_is_refused_at_once(
    name: str, changes: dict[str, object], tmp_path: Path
) -> None:
    zoo.save(zoo.network(name), tmp_path)
    edit_config(tmp_path, **changes)
    started = time.thread_time()
    try:
        found = {code for code, _ in layout_of(tmp_path)}
    except Rejection as rejection:
        found = {rejection.finding.code}
    assert found & {Code.BAD_CONFIG, Code.SHAPE, Code.MISSING_TENSOR}
    assert time.thread_time() - started < 5


def test_a_buffer_beyond_all_memory_is_refused(tmp_path: Path) -> None:
    """Its shape shows in no tensor, so that only building the network can tell."""
    zoo.save(zoo.network("GPTJForCausalLM"), tmp_path)
    edit_config(tmp_path, rotary_dim=10**11)
    with pytest.raises(Rejection) as caught:
        loaded(tmp_path)
    assert caught.value.finding.code == Code.BAD_CONFIG


def test_old_ways_of_writing_rotary_parameters_are_obeyed(llama: Path, tmp_path: Path) -> None:
    ids = torch.arange(2, 100).view(1, -1)
    logits = []
    for number, changes in enumerate(
        ({"rope_theta": 500.0, "rope_parameters": None}, {"rope_parameters": {"rope_theta": 500.0}})
    ):
        folder = Path(shutil.copytree(llama, tmp_path / str(number)))
        edit_config(folder, **changes)
        logits.append(loaded(folder)(ids).logits)
    assert torch.equal(*logits)
    assert not torch.equal(logits[0], loaded(llama)(ids).logits)
