"""python -m bench.round [--json]: a round of 30 trained models, and 10,000 simulated ones.

Ours: two workers of one thread, from their start on, with the race and without, every loss
computed. The original's way: one model after the other on all cores, each in a fresh process, every
page (`bench.plain.round`). Both see the same tokens, in turns, and must crown the same model. The
original's way takes minutes, so that it is gone once whole, and timed on every fifth model.

The models are the checkpoints of three short trainings of 0.4 million parameters on prose and code,
as if each were the next commitment of its lineage. They stutter, so that sequences are kept too
short for the check of the output, in both ways.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers

from bench import validator
from bench.fields import SIX_TASKS, World, heavy, races, skewed
from bench.measure import Figure, alternate, arguments, report
from bench.plain import round as plain
from bench.plain.tournament import Decay
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.data.outcome import RoundText, round_text
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.tokenizer import load_tokenizer
from iotapretrain.models.worker import Budget
from iotapretrain.rules.competition.epsilon import LinearDecay
from iotapretrain.rules.competition.race import Race
from iotapretrain.rules.competition.schedule import Blocks, Competition, Constraints, TextTask
from iotapretrain.rules.competition.tournament import DecidedRound, RoundRules, play
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache

LINEAGES, CHECKPOINTS, STEPS, BATCH = 3, 10, 20, 16
LENGTH, PAGES, SEQUENCES = 96, 32, 128
WORKERS = 2
TIMED = 5
ROUNDS, FEWER_ROUNDS = 10_000, 2_000
DECAY = (0.005, 0.0005, 300)
ARCHITECTURE = "LlamaForCausalLM"
CONFIG = transformers.LlamaConfig(
    hidden_size=96,
    intermediate_size=256,
    num_hidden_layers=3,
    num_attention_heads=4,
    max_position_embeddings=LENGTH,
    vocab_size=257,
    bos_token_id=None,
    eos_token_id=None,
)
TASKS = tuple(
    TextTask(name, weight, dataset=dataset, pages=PAGES, page_rows=4, sequences=SEQUENCES)
    for name, weight, dataset in (("PROSE", 0.7, "python-docs"), ("CODE", 0.3, "python-code"))
)
COMPETITION = Competition(
    id=1,
    name="bench",
    blocks=Blocks(0),
    share=1.0,
    models=1,
    constraints=Constraints(
        0, 1_000_000, LENGTH, "bytes", 2**24, frozenset({ARCHITECTURE}), "float32"
    ),
    tasks=TASKS,
    rules=RoundRules(LinearDecay(*DECAY)),
)
FIELD = LINEAGES * CHECKPOINTS
TERMS = Terms(COMPETITION, vocabulary=257, seed=7, block=FIELD)


@dataclass(frozen=True)
class Round:
    """What is scored: the same models and tokens for both ways."""

    contenders: list[Contender]
    text: RoundText
    tokens: Path
    folder: Path

    def ours(self, race: Race | None) -> Evaluated:
        """From the start of the workers to the end, with nothing in the cache."""
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as fresh,
            LossCache(Path(fresh, "losses.db")) as cache,
            LocalPool(WORKERS, Budget()) as pool,
        ):
            return evaluate(self.contenders, self.text, TERMS, pool, cache, race)

    def theirs(self, every: int = 1) -> int:
        """The champion, of every so many-th model only."""
        weights = {task.name: task.weight for task in TASKS}
        folders = [each.folder for each in self.contenders[::every]]
        return plain.champion(folders, self.tokens, weights, Decay(*DECAY), FIELD)


def prepared(folder: Path) -> Round:
    """Text for training from another seed than the round's; every checkpoint a commitment."""
    cache, tokenizer = PageCache(folder / "text"), load_tokenizer("bytes")
    text, other = (round_text(TASKS, 1, seed, LENGTH, tokenizer, cache) for seed in (7, 8))
    rows = np.concatenate([batch.sequences for batch in other.batches.values()])
    contenders = [
        Contender(f"hotkey {number}", number, number, "", f"digest {number}", folder=path)
        for number, path in enumerate(trained(torch.from_numpy(rows).long(), folder))
    ]
    tokens = folder / "tokens.npz"
    np.savez(tokens, **{task: batch.sequences for task, batch in text.batches.items()})
    return Round(contenders, text, tokens, folder)


def trained(rows: torch.Tensor, folder: Path) -> Iterator[Path]:
    """Checkpoints of each lineage, the youngest of all lineages last."""
    models = []
    for lineage in range(LINEAGES):
        torch.manual_seed(lineage)
        model = transformers.LlamaForCausalLM(CONFIG)
        models.append((model, torch.optim.AdamW(model.parameters(), lr=2e-3)))
    generator = torch.Generator().manual_seed(0)
    for checkpoint in range(CHECKPOINTS):
        for lineage, (model, optimiser) in enumerate(models):
            for _ in range(STEPS):
                ids = rows[torch.randint(len(rows), (BATCH,), generator=generator)]
                torch.autograd.backward(model(input_ids=ids, labels=ids).loss)
                optimiser.step()
                optimiser.zero_grad()
            path = folder / f"{lineage}-{checkpoint}"
            model.save_pretrained(path)
            yield path


def winner(evaluated: Evaluated) -> int:
    outcome = play(evaluated.field(), COMPETITION.rules, TERMS.block)
    assert isinstance(outcome, DecidedRound)
    return outcome.winner


def real(of: Round) -> Iterator[Figure]:
    """Wall times of the three ways, and what trained models scatter like."""
    raced, whole = of.ours(Race()), of.ours(None)
    assert winner(raced) == winner(whole) == of.theirs()
    fast, full, fifth = alternate(
        lambda: of.ours(Race()), lambda: of.ours(None), lambda: of.theirs(TIMED)
    )
    original = fifth * TIMED
    name = f"a round of {FIELD} tiny models x {2 * PAGES} pages"
    yield against(f"{name}, with the race", fast, original, 6)
    yield against(f"{name}, every page", full, original, 3)
    share = raced.pages_scored / raced.pages_of_full_round
    yield Figure(f"{name}: share of the pages scored", "", share, None, None, None, None)
    losses = np.array(
        [[*judged.record.losses["PROSE"], *judged.record.losses["CODE"]] for judged in whole.models]
    )
    gaps, spreads = scatter(losses)
    yield Figure("trained models: median gap to the best", "", gaps, None, None, None, None)
    yield Figure(
        "trained models: median spread on a sequence of the difference from the best, share of"
        " the loss",
        "",
        spreads,
        None,
        None,
        None,
        None,
    )


def scatter(losses: np.ndarray) -> tuple[float, float]:
    """As shares of the best loss: how far the others are behind, and how pages scatter by task."""
    means = losses.mean(axis=1)
    best = int(means.argmin())
    differences = np.delete(losses, best, axis=0) - losses[best]
    by_task = differences.reshape(len(differences), 2, PAGES).std(axis=2, ddof=1)
    spreads = np.sqrt((by_task**2).mean(axis=1) * SEQUENCES / PAGES)
    gaps = differences.mean(axis=1)
    return float(np.median(gaps) / means[best]), float(np.median(spreads) / means[best])


def simulated() -> Iterator[Figure]:
    """The first two worlds are what the targets are about; the others bend the assumptions."""
    worlds = {
        "two tasks of 32 pages": (ROUNDS, World()),
        "the six tasks of the last text competitions": (ROUNDS, World(SIX_TASKS)),
        "two tasks, heavy tails": (FEWER_ROUNDS, World(noise=heavy)),
        "two tasks, skewed": (FEWER_ROUNDS, World(noise=skewed)),
        "six tasks, noise that differs by task": (FEWER_ROUNDS, World(SIX_TASKS, uneven=True)),
    }
    for name, (rounds, world) in worlds.items():
        found = races(world, rounds, 1, Race())
        label = f"{rounds:,} simulated fields of 30, {name}"
        same, scored = found.agreement, found.scored
        yield Figure(f"{label}: same champion", "", same, None, None, ">= 0.999", same >= 0.999)
        yield Figure(f"{label}: pages scored", "", scored, 1.0, None, "<= 1/3", scored <= 1 / 3)


def against(name: str, ours: float, peer: float, target: int) -> Figure:
    ratio = peer / ours
    return Figure(name, "s", ours, peer, ratio, f"ratio >= {target}", ratio >= target)


def main() -> None:
    options = arguments(__doc__)
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        figures = [*real(prepared(Path(folder))), *simulated(), *validator.figures(Path(folder))]
    report("round", figures, options.json)


if __name__ == "__main__":
    main()
