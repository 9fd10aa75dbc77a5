"""python -m bench.trainable [--json] [--full]: does the trainability probe flag all sabotage, and
no honest model?

Trains a zoo of honest models, attacks one of each architecture in every way and strength, and
probes them all. `--full` trains a larger zoo and attacks every trained model of it. An attack
counts if it changes the loss by at most EPSILON.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any

import torch
import transformers

from bench import zoo
from bench.measure import Figure, arguments, report
from iotapretrain.arena.actors.attacks import ATTACKS, BOTH_WAYS, copied, stream_config
from iotapretrain.models.trainable.parts import parts_of
from iotapretrain.models.trainable.probe import probe
from iotapretrain.models.trainable.traces import trace

EPSILON = 0.005
STRENGTHS = (10.0, 100.0, 1e3, 1e6)


@dataclass(frozen=True)
class Row:
    """One probed model: honest where `attack` is empty. `change` is that of the loss, `gain` what
    training brought.
    """

    model: str
    architecture: str
    attack: str
    strength: float
    change: float
    score: float
    checks: str
    gain: float
    tokens: int

    @property
    def kept(self) -> bool:
        return abs(self.change) <= EPSILON

    @property
    def flagged(self) -> bool:
        return self.score > 0


def rows_of(recipe: zoo.Recipe, attacked: bool) -> list[Row]:
    """Train one model of the zoo; probe it, and what every attack makes of it."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    model, pages = zoo.train(recipe), zoo.pages()
    rows = [_row(recipe, model, pages, "", 1.0, None)]
    if attacked:
        own = loss(model, pages)
        rows.extend(
            _row(recipe, other, pages, name, strength, own)
            for name, strength, other in attacks(model, pages)
        )
    return rows


def attacks(model: Any, pages: torch.Tensor) -> Iterable[tuple[str, float, Any]]:
    """Every attack at every strength on one model."""
    parts = parts_of(model.config, model.state_dict())
    assert parts is not None
    traces = trace(model, parts, pages)
    for name, attack in ATTACKS.items():
        inverse = [1 / strength for strength in STRENGTHS] if name in BOTH_WAYS else []
        for strength in [*STRENGTHS, *inverse]:
            state = attack(model.state_dict(), parts, traces, strength)
            config = model.config.to_dict()
            yield name, strength, rebuilt(model, state, stream_config(config, 1.0))
            if name == "stream" and strength < 1:
                yield (
                    "stream, epsilon too",
                    strength,
                    rebuilt(model, state, stream_config(config, strength)),
                )


def rebuilt(model: Any, state: dict[str, torch.Tensor], config: dict[str, Any]) -> Any:
    other = type(model)(type(model.config).from_dict(config)).to(model.dtype).eval()
    other.load_state_dict(state)
    return other


def loss(model: Any, pages: torch.Tensor) -> float:
    """Mean loss in float32, whatever the model is stored in."""
    twin = rebuilt(model, copied(model.state_dict()), model.config.to_dict()).float()
    with torch.no_grad():
        return float(twin(input_ids=pages, labels=pages, use_cache=False).loss)


def _row(
    recipe: zoo.Recipe,
    model: Any,
    pages: torch.Tensor,
    attack: str,
    strength: float,
    own: float | None,
) -> Row:
    change = 0.0 if own is None else (loss(model, pages) - own) / own
    judged = probe(model, pages)
    checks = ",".join(sorted({sign.check for sign in judged.signs if sign.suspicious}))
    gain = float("nan") if judged.training is None else judged.training.gain
    return Row(
        recipe.name,
        recipe.architecture,
        attack,
        strength,
        change,
        judged.score,
        checks,
        gain,
        judged.tokens,
    )


def measured(full: bool) -> list[Row]:
    """All rows, by as many processes as there are cores."""
    recipes = zoo.CORE + zoo.MORE if full else zoo.CORE
    targets = (
        [recipe for recipe in recipes if recipe.steps >= 100]
        if full
        else list(recipes[: len(zoo.ARCHITECTURES)])
    )
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        results = pool.map(rows_of, recipes, [recipe in targets for recipe in recipes])
        return [row for rows in results for row in rows]


def area(attacked: Sequence[float], honest: Sequence[float]) -> float:
    """Area under the ROC curve: how often an attacked model scores above an honest one, ties
    counting half.
    """
    wins = sum((a > h) + 0.5 * (a == h) for a in attacked for h in honest)
    return wins / (len(attacked) * len(honest))


def figures(rows: Sequence[Row]) -> list[Figure]:
    honest = [row for row in rows if not row.attack]
    scores = [row.score for row in honest]
    found = [
        _figure("honest models", "models", len(honest)),
        _figure("honest models flagged", "models", sum(row.flagged for row in honest), "0"),
        _figure("highest honest score", "decades", max(scores), "< 0"),
    ]
    for attack in dict.fromkeys(row.attack for row in rows if row.attack):
        kept = [row for row in rows if row.attack == attack and row.kept]
        if kept:
            share = sum(row.flagged for row in kept) / len(kept)
            area_under = area([row.score for row in kept], scores)
            found += [
                _figure(f"{attack}: attacked models that keep the loss", "models", len(kept)),
                _figure(f"{attack}: flagged", "share", share, "1"),
                _figure(f"{attack}: area under the ROC curve", "share", area_under, "1"),
            ]
    found.append(_figure("cost of a probe", "tokens", max(row.tokens for row in rows)))
    return found


def _figure(name: str, unit: str, ours: float, target: str | None = None) -> Figure:
    met = None if target is None else (ours < 0 if target == "< 0" else ours == float(target))
    return Figure(name, unit, ours, None, None, target, met)


def table(rows: Sequence[Row]) -> Iterable[str]:
    """One line for each attack and strength, over all models attacked."""
    honest = [row.score for row in rows if not row.attack]
    plain = {row.model: row.gain for row in rows if not row.attack}
    yield (
        f"{'attack':20s}{'strength':>10s}{'tried':>7s}{'kept':>6s}{'flagged':>9s}{'AUC':>7s}"
        f"{'least score':>13s}{'gain':>8s}  checks"
    )
    for attack, strength in dict.fromkeys((row.attack, row.strength) for row in rows if row.attack):
        tried = [row for row in rows if (row.attack, row.strength) == (attack, strength)]
        kept = [row for row in tried if row.kept]
        line = f"{attack:20s}{strength:10.0e}{len(tried):7d}{len(kept):6d}"
        if kept:
            left = median(row.gain / plain[row.model] for row in kept)
            checks = ",".join(
                sorted({check for row in kept for check in row.checks.split(",") if check})
            )
            scores = [row.score for row in kept]
            line += f"{sum(row.flagged for row in kept):9d}{area(scores, honest):7.3f}"
            line += f"{min(scores):13.2f}{left:8.2f}  {checks}"
        yield line


def missed(rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        if row.flagged if not row.attack else row.kept and not row.flagged:
            yield f"{'MISSED' if row.attack else 'WRONGLY FLAGGED'}: {row}"


def by_architecture(rows: Sequence[Row]) -> Iterable[str]:
    for architecture in zoo.ARCHITECTURES:
        kept = [row for row in rows if row.architecture == architecture and row.attack and row.kept]
        if kept:
            flagged = sum(row.flagged for row in kept)
            yield f"{architecture:10s} {flagged} of {len(kept)} attacks that keep the loss flagged"


def main() -> None:
    options = arguments(__doc__, [given for given in sys.argv[1:] if given != "--full"])
    rows = measured("--full" in sys.argv)
    if not options.json:
        print("\n".join([*table(rows), "", *by_architecture(rows), *missed(rows), ""]))
    report("trainable", figures(rows), options.json)


if __name__ == "__main__":
    main()
