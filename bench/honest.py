"""python -m bench.honest [--json] [--seed N]: does any check refuse an honest model?

Thirty models of recipes that the seed throws together (`bench.zoo.drawn`) go through all that a
validator does with a round: inspection beside everybody before, float64, later tokens, sanity,
probe, and the comparison of what they do; once in each dtype that competitions score in. Every
check is counted by itself, also where another one refuses the model too. Beside it, how near honest
continuations come to where they began, and how near disguises stay.

A byte that nobody trained on ends a document of every page, as the rarest token that there is.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import transformers
from msgspec.structs import replace as changed

from bench import zoo
from bench.measure import Figure, arguments, report
from iotapretrain.arena.actors.disguise import DISGUISES, disguise
from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.validator.behaviours import Behaviours
from iotapretrain.data.batches import Batch, PackedPage, Packing
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.admission import inspect
from iotapretrain.models.architectures import ARCHITECTURES
from iotapretrain.models.copies import SAME_LOSS, Known, behaviour_distance
from iotapretrain.models.exact import exact_losses
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.verdict import Code, Finding
from iotapretrain.models.worker import Budget, Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.schedule import Blocks, Competition, Constraints, TextTask
from iotapretrain.rules.competition.tournament import RoundRules
from iotapretrain.rules.sampling import Page
from iotapretrain.scoring.jobs import Answer, Failure, Job, Scored
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache
from iotapretrain.training.start import read_model

MODELS, SEED, SALT = 30, 5_150, 5
CHECKS = {
    "later tokens": Code.LOOKS_AHEAD,
    "float64": Code.FORGED,
    "what they do": Code.NEAR_COPY,
    "the probe": Code.SABOTAGE,
}
DTYPES = ("float32", "bfloat16")
PAGES, SEQUENCES = 24, 4
END = 0
BUDGET = Budget(seconds=120.0)
CONTINUED, RATE, STEPS = 8, 1e-4, (1, 10)
DISGUISED = 4


def terms(dtype: str) -> Terms:
    """A round of a competition that takes every model of the zoo."""
    constraints = Constraints(
        0, 10**8, zoo.LENGTH, "bytes", 2**28, frozenset(ARCHITECTURES), dtype, trainable=True
    )
    competition = Competition(
        id=1,
        name="honest",
        blocks=Blocks(0),
        share=1.0,
        models=1,
        constraints=constraints,
        tasks=(TextTask("PROSE", 1.0, dataset="python-docs", pages=PAGES),),
        rules=RoundRules(Fixed(0.001)),
    )
    return Terms(competition, zoo.VOCABULARY, seed=7, block=1_000, end=END)


def text() -> RoundText:
    """Sequences that nobody was trained on, an end in one of each page."""
    rows = zoo.pages(PAGES * SEQUENCES).numpy().astype(np.int32).reshape(PAGES, SEQUENCES, -1)
    rows = rows.copy()
    for place, page in enumerate(rows):
        page[place % SEQUENCES, 7 + 4 * place] = END
    pages = tuple(PackedPage(Page("", n, 1), "", {}, page, None) for n, page in enumerate(rows))
    return RoundText({"PROSE": Batch("none", "1", "bytes", Packing(zoo.LENGTH), pages)}, ())


def trained(recipe: zoo.Recipe, folder: Path) -> Path:
    """The model of a recipe, as its author would publish it."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    zoo.train(recipe).save_pretrained(folder)
    return folder


class Listening:
    """A pool whose answers are overheard: of several findings of a model, a round names one."""

    def __init__(self, pool: LocalPool) -> None:
        self.width, self._pool = pool.width, pool
        self.heard: dict[Path, set[str]] = defaultdict(set)

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        for answer in self._pool.run(jobs):
            folder, result = jobs[answer.number].folder, answer.result
            found = (result.finding,) if isinstance(result, Failure) else _all_findings(result)
            self.heard[folder] |= {str(finding.code) for finding in found}
            yield answer


def _all_findings(scored: Scored) -> Iterator[Finding]:
    for check in (scored.sanity, scored.probe, scored.exact, scored.causality):
        yield from check


@dataclass(frozen=True)
class Judged:
    """A round of one dtype: by model, every reason against it; and what all of them did."""

    reasons: dict[str, set[str]]
    evaluated: Evaluated

    def refused(self, code: str) -> int:
        return sum(code in reasons for reasons in self.reasons.values())

    def nearest(self) -> float:
        """The least distance of two honest models, either way round."""
        done = [each.behaviour for each in self.evaluated.models if each.behaviour]
        return min(
            behaviour_distance(*pair)
            for both in combinations(done, 2)
            for pair in (both, both[::-1])
        )


def judged(folders: Sequence[Path], names: Sequence[str], dtype: str, place: Path) -> Judged:
    """Everything that a validator does with a field, to the last check."""
    given, written = terms(dtype), text()
    reasons: dict[str, set[str]] = {name: set() for name in names}
    field = list(_admitted(folders, names, given, reasons))
    behaviours = Behaviours(place / "behaviours")
    given = replace(given, behaviour=behaviours.rows(written, given, SALT))
    cores = len(os.sched_getaffinity(0))
    with LossCache(place / "losses.db") as cache, LocalPool(cores, BUDGET) as pool:
        ears = Listening(pool)
        found = evaluate(field, written, given, ears, cache, race=None, probe=True)
    for each in field:
        reasons[each.hotkey] |= ears.heard[each.folder]
    everybody = [
        replace(each, record=changed(each.record, outcome=str(Outcome.EVALUATED)))
        for each in found.models
    ]
    for name in behaviours.copies(replace(found, models=tuple(everybody)), given):
        reasons[name].add(Code.NEAR_COPY)
    return Judged(reasons, found)


def _admitted(
    folders: Sequence[Path], names: Sequence[str], given: Terms, reasons: dict[str, set[str]]
) -> Iterator[Contender]:
    limits = Limits(given.competition.constraints, given.vocabulary)
    known: list[Known] = []
    with Worker(BUDGET) as worker:
        for number, (name, folder) in enumerate(zip(names, folders, strict=True)):
            seen = inspect(folder, limits, worker, known, SALT)
            reasons[name] |= {str(finding.code) for finding in seen.verdict.findings}
            if seen.verdict.admitted:
                known.append(Known(name, str(seen.digest), seen.fingerprint or {}))
                yield Contender(name, number, number, "", str(seen.digest), folder=folder)


def did(model: torch.nn.Module, rows: torch.Tensor) -> list[float]:
    return torch.cat([exact_losses(model, row) for row in rows]).tolist()


def continued(folder: Path, steps: int, dtype: torch.dtype) -> torch.nn.Module:
    """Trained on by so many steps of AdamW, on what the zoo trains on."""
    model = read_model(folder)[1].float().requires_grad_(True)
    stream = zoo.text()
    known = stream[: -len(stream) // 10]
    generator = torch.Generator().manual_seed(1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
    for _ in range(steps):
        starts = torch.randint(len(known) - zoo.LENGTH, (zoo.BATCH,), generator=generator)
        ids = torch.stack([known[start : start + zoo.LENGTH] for start in starts.tolist()])
        torch.autograd.backward(model(input_ids=ids, labels=ids, use_cache=False).loss)
        optimiser.step()
        optimiser.zero_grad()
    return model.requires_grad_(False).to(dtype)


def near(folders: Sequence[Path], recipes: Sequence[zoo.Recipe], place: Path) -> Iterator[Figure]:
    """Continuations must stay beyond the limit, disguises within."""
    rows = zoo.pages(8)
    for dtype in DTYPES:
        kind = getattr(torch, dtype)
        before = [did(read_model(folder)[1].to(kind), rows) for folder in folders[:CONTINUED]]
        for steps in STEPS:
            off = [
                behaviour_distance(did(continued(folder, steps, kind), rows), own)
                for folder, own in zip(folders, before, strict=False)
            ]
            name = (
                f"{dtype}: least distance of {CONTINUED} models from themselves, {steps} steps on"
            )
            yield _figure(name, "nats", min(off), f"> {SAME_LOSS:g}", min(off) > SAME_LOSS)
        off = [
            behaviour_distance(did(read_model(masked)[1].to(kind), rows), own)
            for masked, own in _masked(folders, recipes, place / dtype, kind, rows)
        ]
        name = f"{dtype}: greatest distance of {len(off)} disguises from their originals"
        yield _figure(name, "nats", max(off), f"<= {SAME_LOSS:g}", max(off) <= SAME_LOSS)


def _masked(
    folders: Sequence[Path],
    recipes: Sequence[zoo.Recipe],
    place: Path,
    dtype: torch.dtype,
    rows: torch.Tensor,
) -> Iterator[tuple[Path, list[float]]]:
    """Each disguise, and all on each other, of the first models that disguises are known for."""
    pairs = zip(folders, recipes, strict=True)
    fit = [at for at, of in pairs if of.architecture in (zoo.LLAMA, zoo.MISTRAL)]
    for number, folder in enumerate(fit[:DISGUISED]):
        own = did(read_model(folder)[1].to(dtype), rows)
        for masks in (*((mask,) for mask in DISGUISES.values()), tuple(DISGUISES.values())):
            yield disguise(folder, place / f"{number}-{len(masks)}", *masks), own


def figures(seed: int, place: Path) -> Iterator[Figure]:
    recipes = zoo.drawn(MODELS, seed)
    names = [f"{number} {recipe.name}" for number, recipe in enumerate(recipes)]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        places = [place / f"model-{number}" for number in range(MODELS)]
        folders = list(pool.map(trained, recipes, places))
    for dtype in DTYPES:
        folder = place / dtype
        folder.mkdir()
        found = judged(folders, names, dtype, folder)
        for name, reasons in found.reasons.items():
            if reasons:
                print(f"{dtype}: {name}: {', '.join(sorted(reasons))}", file=sys.stderr)
        for what, code in CHECKS.items():
            refused = found.refused(code)
            name = f"{dtype}: of {MODELS} honest models refused by {what}"
            yield _figure(name, "models", refused, "0", refused == 0)
        weak = found.refused(Code.UNREASONABLE)
        name = f"{dtype}: of {MODELS} honest models too weak for the sanity check"
        yield Figure(name, "models", weak, None, None, None, None)
        others = {*CHECKS.values(), Code.UNREASONABLE}
        rest = sum(not reasons <= others for reasons in found.reasons.values())
        name = f"{dtype}: of {MODELS} honest models refused for anything else"
        yield _figure(name, "models", rest, "0", rest == 0)
        nearest = found.nearest()
        name = f"{dtype}: least distance of two of them"
        yield _figure(name, "nats", nearest, f"> {SAME_LOSS:g}", nearest > SAME_LOSS)
    yield from near(folders, recipes, place)


def _figure(name: str, unit: str, ours: float, target: str, met: bool) -> Figure:
    return Figure(name, unit, ours, None, None, target, met)


def main() -> None:
    given, seed = sys.argv[1:], SEED
    if "--seed" in given:
        at = given.index("--seed")
        seed = int(given[at + 1])
        del given[at : at + 2]
    options = arguments(__doc__, given)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        found = list(figures(seed, Path(folder)))
    report("honest", found, options.json)


if __name__ == "__main__":
    main()
