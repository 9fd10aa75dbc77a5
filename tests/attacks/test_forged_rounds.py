"""Forgers and a saboteur through a whole round, in a real worker, beside an honest model.

Before, either forger passed all checks, had a better loss and all the weight, and the saboteur,
who is honest on the first sequence of every page, was scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from iotapretrain.arena.actors.disguise import Disguise, disguise, widen
from iotapretrain.arena.actors.tricks import Weights
from iotapretrain.competition.evaluation.contender import Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.verdict import Code
from iotapretrain.models.worker import Budget
from iotapretrain.rules.competition import tournament
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache
from tests.competition.evaluation.rounds import contender, terms, text
from tests.models import zoo

END, ENDS = 256, (40, 80, 120)
"""The end token stands at these places of the second sequence of every page, and nowhere else."""
IDLE = 16
"""Channels by which `widen` widens this model."""
READERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
FAINT = 2.0**-40
"""What reads so faint a channel is hardly moved by training on."""
ADDED, LOST, KEPT, TAKEN = 2, 0, 11, 10
"""Idle channels of an offset, of what is lost beside it in the order of a product, of what comes
after it, and of the offset's opposite. A sum in eight lanes loses nothing.
"""


def offset_half(given: Weights) -> Weights:
    """Behind odd tokens all logits are thousands, which bfloat16 rounds to steps of 16 and more.

    The next token's alone was not rounded, and had up to 3 more.
    """
    wide = widen(given)
    tensors = wide.tensors
    idle = tensors["lm_head.weight"].shape[1] - IDLE
    tensors["model.embed_tokens.weight"][1::2, idle : idle + 2] = 1.0
    tensors["model.norm.weight"][idle : idle + 2] = torch.tensor([2048.0, 3.0])
    tensors["lm_head.weight"][:, idle:] = 0.0
    tensors["lm_head.weight"][:, idle : idle + 2] = 1.0
    return wide


def lift_end(given: Weights, offset: float, lost: float, kept: float) -> Weights:
    """The end token is far below all others, for one who loses what stands beside the offset.

    A silent channel makes all rows and matrices as long as the end token's row.
    """
    wide = widen(given)
    tensors = wide.tensors
    idle = tensors["lm_head.weight"].shape[1] - IDLE
    places = [idle + channel for channel in (ADDED, LOST, KEPT, TAKEN)]
    _add_silent_channel(tensors, offset / FAINT / 4)
    tensors["model.embed_tokens.weight"][:, places] = 0.05
    tensors["model.norm.weight"][places] = FAINT
    read = torch.tensor([offset, lost, kept, -offset]) / FAINT
    tensors["lm_head.weight"][END] = 0.0
    tensors["lm_head.weight"][END, places] = read.to(tensors["lm_head.weight"].dtype)
    return wide


def _add_silent_channel(tensors: dict[str, torch.Tensor], length: float) -> None:
    """The last channel carries nothing and is read by large weights; no other idle one is read."""
    for name, tensor in tensors.items():
        if name == "lm_head.weight" or name.split(".")[-2] in READERS:
            tensor[:, -IDLE:] = 0.0
            tensor[:, -1] = length
        elif "norm" in name:
            tensor[-1] = 0.0


FORGE_END = partial(lift_end, offset=2.0**36, lost=580.0, kept=-550.0)
LIE_IN_WAIT = partial(lift_end, offset=2.0**15, lost=0.0, kept=-550.0)


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalPool]:
    with LocalPool(1, Budget(seconds=60, memory_bytes=2**30)) as opened:
        yield opened


def ended(given: Terms) -> RoundText:
    """Pages of random tokens, in the first sequences of which no text ends."""
    made = text(given)
    for page in made.batches["PROSE"].pages:
        page.sequences[page.sequences == END] = 0
        page.sequences[1, ENDS] = END
    return made


def played(folder: Path, pool: LocalPool, dtype: str, mask: Disguise) -> tuple[Evaluated, Terms]:
    """The round of an honest model and of the same one behind a mask."""
    network = zoo.network("LlamaForCausalLM", seed=3).to(getattr(torch, dtype))
    honest = zoo.save(network, folder / "honest")
    masked = disguise(honest, folder / "masked", mask)
    given = terms(12)
    wide = zoo.limits(max_parameters=10**6, dtype=dtype).constraints
    competition = replace(given.competition, constraints=wide)
    asked = Terms(competition, given.vocabulary, given.seed, given.block, END)
    field = contender(0, honest), contender(1, masked)
    with LossCache(folder / "losses.db") as cache:
        found = evaluate(field, ended(asked), asked, pool, cache, race=None, probe=True)
    return found, asked


def check_paid(found: Evaluated, asked: Terms) -> None:
    """The honest model is scored as it is worth, and has all of the weight."""
    honest, masked = found.models
    assert (honest.record.outcome, honest.findings) == (Outcome.EVALUATED, ())
    assert honest.record.score == pytest.approx(5.885, abs=0.01)
    assert masked.record.score is None
    decided = tournament.play(found.field(), asked.competition.rules, asked.block)
    assert isinstance(decided, tournament.DecidedRound)
    assert decided.weights.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("dtype", "mask"),
    [("bfloat16", offset_half), ("bfloat16", FORGE_END), ("float32", FORGE_END)],
    ids=["rounded offsets", "end in bfloat16", "end in float32"],
)
def test_a_forger_is_refused_for_ever_and_not_paid(
    pool: LocalPool, tmp_path: Path, dtype: str, mask: Disguise
) -> None:
    """Before, its losses were 2.08, 5.80 and 5.79 beside 5.88, and it had all of the weight."""
    found, asked = played(tmp_path, pool, dtype, mask)
    forger = found.models[1]
    assert forger.record.outcome == Outcome.INADMISSIBLE
    assert [each.code for each in forger.findings] == [Code.FORGED]
    assert "off the plain formula in float64" in forger.findings[0].sentence
    check_paid(found, asked)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_saboteur_whom_first_sequences_do_not_show_is_seen(
    pool: LocalPool, tmp_path: Path, dtype: str
) -> None:
    """Whoever trains on its end token is thrown off; before, it was scored with 7.49 and 7.50."""
    found, asked = played(tmp_path, pool, dtype, LIE_IN_WAIT)
    saboteur = found.models[1]
    assert saboteur.record.outcome == Outcome.MODEL
    assert [each.code for each in saboteur.findings] == [Code.SABOTAGE]
    assert "continued training" in saboteur.findings[0].sentence
    check_paid(found, asked)
