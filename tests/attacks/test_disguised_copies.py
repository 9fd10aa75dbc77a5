"""The best model in disguise: other tensors, and not a step of training.

Each was admitted, for its tensors are no longer those of the original. Now it is told by what it
does on tokens that nobody else knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from iotapretrain.arena.actors.disguise import DISGUISES, disguise, permute_neurons, rescale, widen
from iotapretrain.arena.actors.tricks import Weights, copy_with_noise
from iotapretrain.competition.evaluation.contender import Contender, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.validator.behaviours import Behaviours
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.copies import MOST_SHARED, Fingerprint, examine_values, shared_fraction
from iotapretrain.models.header_checks import read_claims
from iotapretrain.models.open_files import open_folder
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.worker import Budget
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache
from iotapretrain.training.start import read_model
from tests.competition.evaluation.rounds import contender, terms, text
from tests.models.tiny import sequences, trained
from tests.models.zoo import limits

OWNER, THIEF, SALT = 1, 2, 99
END = 126
"""Stands in none of the pages, as an end token in most."""


class Bench:
    """A validator's way to score, and what it remembers."""

    def __init__(self, pool: LocalPool, folder: Path) -> None:
        given = terms(6)
        narrow = limits(sequence_length=64, max_parameters=10**6).constraints
        competition = replace(given.competition, constraints=narrow)
        self.terms = Terms(competition, 256, given.seed, given.block)
        self.text = prose(self.terms)
        self.behaviours = Behaviours(folder / "behaviours")
        self._pool, self._losses = pool, folder / "losses.db"

    def round(self, *field: Contender) -> dict[str, Finding]:
        """Who is refused as a copy, by hotkey."""
        rows = self.behaviours.rows(self.text, self.terms, SALT)
        told = replace(self.terms, behaviour=rows)
        with LossCache(self._losses) as cache:
            found = evaluate(field, self.text, told, self._pool, cache, race=None)
        assert [each.findings for each in found.models] == [()] * len(field)
        return self.behaviours.copies(found, told)


def prose(given: Terms) -> RoundText:
    """Pages of ordinary text."""
    made = text(given)
    batch = made.batches["PROSE"]
    rows = sequences(2 * len(batch.pages), 77).numpy().astype(np.int32).reshape(-1, 2, 64)
    pages = tuple(replace(page, sequences=own) for page, own in zip(batch.pages, rows, strict=True))
    return RoundText({"PROSE": replace(batch, pages=pages)}, ())


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalPool]:
    with LocalPool(1, Budget(seconds=60, memory_bytes=2**30)) as opened:
        yield opened


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest miner's model, published in either dtype."""
    model = trained("llama").to(getattr(torch, request.param))
    folder: Path = tmp_path_factory.mktemp("published")
    model.save_pretrained(folder)
    return folder


def fingerprint(folder: Path) -> Fingerprint:
    with open_folder(folder) as opened:
        return examine_values(read_claims(opened, limits(max_parameters=10**6)).tensors)[0]


def unlike(folder: Path, original: Path) -> bool:
    """Whether tensors do not tell, either way round."""
    ours, theirs = fingerprint(folder), fingerprint(original)
    shares = shared_fraction(ours, theirs), shared_fraction(theirs, ours)
    return max(shares) <= MOST_SHARED


def test_no_disguise_makes_a_new_model(pool: LocalPool, original: Path, tmp_path: Path) -> None:
    bench = Bench(pool, tmp_path)
    assert bench.round(contender(OWNER, original)) == {}
    for number, (name, mask) in enumerate(DISGUISES.items(), THIEF):
        stolen = disguise(original, tmp_path / name, mask)
        assert unlike(stolen, original), name
        found = bench.round(contender(number, stolen))
        refused = found[f"hotkey {number}"]
        assert refused.code is Code.NEAR_COPY, name
        assert refused.item == f"hotkey {OWNER}"
        assert "committed at block 101" in refused.sentence


def test_all_of_them_with_noise_and_another_end_are_still_a_copy(
    pool: LocalPool, original: Path, tmp_path: Path
) -> None:
    masks = [*DISGUISES.values(), lift_end]
    stolen = disguise(original, tmp_path / "masked", *masks)
    noisy = copy_with_noise(stolen, tmp_path / "noisy", seed=1)
    assert unlike(noisy, original)
    found = Bench(pool, tmp_path).round(contender(OWNER, original), contender(THIEF, noisy))
    assert [*found] == [f"hotkey {THIEF}"]


def lift_end(given: Weights) -> Weights:
    """One token is told by other weights: the copy differs where it stands."""
    head = given.tensors["lm_head.weight"].clone()
    head[END] *= 3
    return Weights(given.config, given.tensors | {"lm_head.weight": head})


@pytest.mark.parametrize("steps", [1, 10])
def test_an_honest_continuation_is_its_owners_own(
    pool: LocalPool, original: Path, tmp_path: Path, steps: int
) -> None:
    network = read_model(original)[1]
    dtype = network.dtype
    network.float().requires_grad_(True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-4)
    for step in range(steps):
        ids = sequences(8, 5_000 + step)
        torch.autograd.backward(network(input_ids=ids, labels=ids, use_cache=False).loss)
        optimiser.step()
        optimiser.zero_grad()
    network.to(dtype).save_pretrained(tmp_path / "continued")
    field = contender(OWNER, original), contender(THIEF, tmp_path / "continued")
    assert Bench(pool, tmp_path).round(*field) == {}


def test_who_was_first_is_told_by_the_chain_whoever_is_read_first(
    pool: LocalPool, original: Path, tmp_path: Path
) -> None:
    """The thief was scored before the owner's model could be fetched."""
    bench = Bench(pool, tmp_path)
    masked = disguise(original, tmp_path / "masked", widen, permute_neurons)
    owner, thief = contender(OWNER, original), contender(THIEF, masked)
    assert bench.round(thief) == {}
    assert bench.round(owner) == {}
    assert [*bench.round(thief, owner)] == [thief.hotkey]
    assert [*bench.round(owner, thief)] == [thief.hotkey]


def test_owners_that_have_left_or_commit_anew_stay_the_first(
    pool: LocalPool, original: Path, tmp_path: Path
) -> None:
    bench = Bench(pool, tmp_path)
    masked = disguise(original, tmp_path / "masked", widen, permute_neurons)
    owner, thief = contender(OWNER, original), contender(THIEF, masked)
    assert bench.round(owner) == {}
    assert [*bench.round(thief)] == [thief.hotkey]
    anew = disguise(original, tmp_path / "anew", rescale)
    assert bench.round(replace(owner, block=900)) == {}
    assert bench.round(replace(owner, block=950, digest="anew", folder=anew)) == {}
    assert [*bench.round(thief)] == [thief.hotkey]
