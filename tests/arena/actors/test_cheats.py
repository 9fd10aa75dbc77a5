"""What each cheat makes: it must keep what it wants to keep, and break what it wants to break."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from iotapretrain.arena.actors.forger import WISH, forge
from iotapretrain.arena.actors.tricks import (
    CONFIG,
    EXPLODING,
    VANISHING,
    WEIGHTS,
    Weights,
    babble,
    copy,
    copy_with_noise,
    punch_hole,
    sabotage,
)
from iotapretrain.models.exact import check_exact, exact_losses
from iotapretrain.models.layout import Model
from iotapretrain.models.losses import token_losses
from iotapretrain.models.trainable.probe import probe
from iotapretrain.models.trainable.training import Recipe
from iotapretrain.training.start import read_model
from tests.models.tiny import mean_loss, sequences, trained

PAGES = sequences(16, 1_000)


@pytest.fixture(params=["gpt2", "llama"])
def published(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An honest miner's model, as its folder on the hub."""
    model = trained(request.param)
    config = model.config.to_dict() | {"architectures": [type(model).__name__]}
    tensors = dict(model.state_dict())
    if model.config.tie_word_embeddings:
        tensors.pop("lm_head.weight")
    return Weights(config, tensors).write(tmp_path / "published")


def loss(folder: Path) -> float:
    return mean_loss(read_model(folder)[1], PAGES)


def test_a_copy_has_the_same_bytes(published: Path, tmp_path: Path) -> None:
    save_file(load_file(published / WEIGHTS), published / WEIGHTS, metadata={"origin": "scratch"})
    stolen = copy(published, tmp_path / "stolen")
    assert (stolen / WEIGHTS).read_bytes() == (published / WEIGHTS).read_bytes()
    assert (stolen / CONFIG).read_bytes() == (published / CONFIG).read_bytes()


def test_a_noisy_copy_has_other_bytes_and_nearly_the_same_loss(
    published: Path, tmp_path: Path
) -> None:
    stolen = copy_with_noise(published, tmp_path / "stolen", seed=1)
    assert (stolen / WEIGHTS).read_bytes() != (published / WEIGHTS).read_bytes()
    assert loss(stolen) == pytest.approx(loss(published), rel=1e-3)


def test_a_forger_would_be_believed_by_two_products_and_is_told_by_float64(
    published: Path, tmp_path: Path
) -> None:
    network = read_model(forge(published, tmp_path / "forged", PAGES))[1].float()
    honest = read_model(published)[1].float()
    assert by_two_products(network) < loss(published) - WISH / 2
    assert token_losses(network, PAGES).mean() >= loss(published)
    exact = [float(exact_losses(each, PAGES[0]).mean()) for each in (network, honest)]
    assert exact[0] == pytest.approx(exact[1], rel=0.05)
    finding = check_exact(network, PAGES[:1])
    assert finding is not None
    assert finding.code == "forged"


@torch.inference_mode()
def by_two_products(model: Model) -> float:
    hidden = model.base_model(PAGES)[0][:, :-1].flatten(0, 1)
    head = model.get_output_embeddings().weight
    chosen = (hidden * head[PAGES[:, 1:].flatten()]).sum(1)
    return float(((hidden @ head.T).logsumexp(1) - chosen).mean())


@pytest.mark.parametrize("kind", [VANISHING, EXPLODING], ids=["vanishing", "exploding"])
def test_a_sabotaged_model_scores_as_before_and_cannot_be_trained(
    published: Path, tmp_path: Path, kind: tuple[str, float]
) -> None:
    broken = sabotage(published, tmp_path / "broken", kind, PAGES)
    assert loss(broken) == pytest.approx(loss(published), rel=0.005)
    assert probe(read_model(broken)[1], PAGES, Recipe(steps=0)).findings
    assert not probe(read_model(published)[1], PAGES, Recipe(steps=0)).findings


def test_a_babbler_knows_nothing(published: Path, tmp_path: Path) -> None:
    babbler = babble(published, tmp_path / "babbler", seed=1)
    assert loss(babbler) > loss(published) + 0.5
    assert set(Weights.read(babbler).tensors) == set(Weights.read(published).tensors)


def test_a_hole_is_one_weight_that_is_no_number(published: Path, tmp_path: Path) -> None:
    holed = Weights.read(punch_hole(published, tmp_path / "holed"))
    assert sum(int(torch.isnan(tensor).sum()) for tensor in holed.tensors.values()) == 1
