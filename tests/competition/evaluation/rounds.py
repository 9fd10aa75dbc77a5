"""Small rounds: real models of a few thousand parameters, on pages of random tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from iotapretrain.competition.evaluation.contender import Contender, Terms
from iotapretrain.data.batches import Batch, PackedPage, Packing
from iotapretrain.data.outcome import RoundText
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.schedule import Blocks, Competition, TextTask
from iotapretrain.rules.competition.tournament import RoundRules
from iotapretrain.rules.sampling import Page
from tests.models import zoo

LENGTH, SEQUENCES = 128, 2


def terms(pages: int = 6, tasks: tuple[str, ...] = ("PROSE",), seed: int = 5) -> Terms:
    weight = 1 / len(tasks)
    competition = Competition(
        id=1,
        name="small",
        blocks=Blocks(0),
        share=1.0,
        models=1,
        constraints=zoo.limits(sequence_length=LENGTH).constraints,
        tasks=tuple(TextTask(name, weight, dataset="none", pages=pages) for name in tasks),
        rules=RoundRules(Fixed(0.001)),
    )
    return Terms(competition, vocabulary=257, seed=seed, block=1_000)


def text(given: Terms, seed: int = 0) -> RoundText:
    """Pages of random tokens for every task."""
    rng = np.random.default_rng(seed)
    batches = {}
    for task in given.competition.tasks:
        pages = tuple(
            PackedPage(
                Page("", place, 1),
                "",
                {},
                rng.integers(0, 257, (SEQUENCES, LENGTH), dtype=np.int32),
                None,
            )
            for place in range(task.pages)
        )
        batches[task.name] = Batch("none", "1", "bytes", Packing(LENGTH), pages)
    return RoundText(batches, ())


def models(folder: Path, count: int) -> list[Contender]:
    """Untrained models, each worse than the one before: its head is scaled up."""
    found = []
    for number in range(count):
        network = zoo.network("LlamaForCausalLM", seed=number)
        with torch.no_grad():
            network.lm_head.weight.mul_(0.5 + 0.5 * number)
        path = zoo.save(network, folder / str(number))
        found.append(contender(number, path))
    return found


def contender(number: int, path: Path, digest: str | None = None) -> Contender:
    return Contender(
        f"hotkey {number}", number, 100 + number, "", digest or f"d{number}", folder=path
    )
