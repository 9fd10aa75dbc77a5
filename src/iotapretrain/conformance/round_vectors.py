"""The rules of a competition round, in the form of the vector files: from losses to weights.

Each function takes the `args` of a case and gives what its `expect` holds. `FUNCTIONS` also has
what comes before a round, the models' scores, and what comes after it, the standings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from iotapretrain.conformance import scores, standing_vectors
from iotapretrain.conformance.blend import blended
from iotapretrain.conformance.compare import number
from iotapretrain.rules.competition import eligibility, epsilon, wins
from iotapretrain.rules.competition.eligibility import Filter
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import (
    RELEASE_4_5_3,
    WHITEPAPER,
    Comparison,
    Mode,
    NoResult,
    Outcome,
    RoundRules,
    play,
    softmax,
)
from iotapretrain.rules.competition.wins import succession

Args = dict[str, Any]
NO_RESULT = "no_result"
UNFILTERED = Mode(Comparison.SCORE_LEVEL, Filter.NONE, alone=1.0)


def _epsilon(args: Args) -> float:
    rule = epsilon.parse(args["func"])
    return float(rule.at(number(args["current_block"]) - number(args["model_block"])))


def _beats(args: Args) -> bool:
    blocks = [number(args["block_i"]), number(args["block_j"])]
    losses = [number(args["loss_i"]), number(args["loss_j"])]
    field = Field.of([0, 1], blocks, scores=losses)
    epsilons = epsilon.parse(args["func"]).at(field.ages(number(args["current_block"])))
    return wins.beats(*losses, *blocks, *epsilons.tolist())


def _wins(args: Args) -> dict[str, Any]:
    return _inside(_play(_models(args), args, UNFILTERED))


def _filtered_wins(args: Args) -> dict[str, Any]:
    return _inside(_play(_models(args), args, RELEASE_4_5_3))


def _competitive(args: Args) -> list[int]:
    field = _models(args)
    verdicts = eligibility.original(field, epsilon.parse(args["func"]).floor)
    return sorted(_uids(field, verdicts))


def _round(args: Args) -> dict[str, Any]:
    field = _paged(args)
    return {
        "per_page": _whole(_play(field, args, WHITEPAPER)),
        "score_level": _whole(_play(field, args, RELEASE_4_5_3)),
    }


def _blended_round(args: Args) -> list[list[Any]]:
    field = _paged(args)
    rules = RoundRules(epsilon.parse(args["func"]), WHITEPAPER, number(args["temperature"]))
    second, now = epsilon.parse(args["func_2"]), number(args["current_block"])
    blend = blended(field, rules, second, number(args["share"]), now)
    return [] if isinstance(blend, NoResult) else _pairs(field, blend.weights)


def _step_weights(args: Args) -> list[float]:
    rates = [number(rate) for rate in args["win_rates"]]
    return list(softmax(rates, number(args["temperature"])).tolist())


def _safe_round(args: Args) -> dict[str, Any] | str:
    field = _models(args)
    outcome = _play(field, args, Mode())
    if isinstance(outcome, NoResult):
        return NO_RESULT
    return {
        "competitive": sorted(_uids(field, outcome.left_out)),
        "win_rate": _inside(outcome)["win_rate"],
        "weights": sorted(_pairs(field, outcome.weights)),
    }


def _champion(args: Args) -> dict[str, Any] | str:
    field = _models(args)
    epsilons = epsilon.parse(args["func"]).at(field.ages(number(args["current_block"])))
    line = [int(field.uids[row]) for row in succession(field, epsilons)]
    return {"champion": line[-1], "succession": line} if line else NO_RESULT


def _models(args: Args) -> Field:
    models = args["models"]
    ordered = any("order" in model for model in models)
    return Field.of(
        [model["uid"] for model in models],
        [number(model["block"]) for model in models],
        scores=[_loss(model["score"]) for model in models],
        orders=[model["order"] for model in models] if ordered else None,
        digests=[model.get("digest") for model in models],
    )


def _paged(args: Args) -> Field:
    losses = [[_loss(loss) for loss in row] for row in args["losses"]]
    return Field.of(args["uids"], [number(block) for block in args["blocks"]], losses=losses)


def _loss(value: Any) -> float:
    return math.nan if value is None else number(value)


def _play(field: Field, args: Args, mode: Mode) -> Outcome | NoResult:
    temperature = number(args.get("temperature", 0.01))
    rules = RoundRules(epsilon.parse(args["func"]), mode, temperature)
    return play(field, rules, number(args["current_block"]))


def _inside(outcome: Outcome | NoResult) -> dict[str, Any]:
    """Wins and win rates of the models inside the filter; the original has them for no others."""
    if isinstance(outcome, NoResult):
        return {"wins": [], "win_rate": []}
    kept = set(_uids(outcome.field, outcome.left_out))

    def inside(values: Any) -> list[list[Any]]:
        return sorted(pair for pair in _pairs(outcome.field, values) if pair[0] in kept)

    return {"wins": inside(outcome.wins), "win_rate": inside(outcome.win_rates)}


def _whole(outcome: Outcome | NoResult) -> dict[str, Any]:
    if isinstance(outcome, NoResult):
        return {**_inside(outcome), "scores": [], "competitive": [], "weights": []}
    return {
        **_inside(outcome),
        "scores": _pairs(outcome.field, outcome.field.scores),
        "competitive": sorted(_uids(outcome.field, outcome.left_out)),
        "weights": _pairs(outcome.field, outcome.weights),
    }


def _uids(field: Field, verdicts: eligibility.Verdicts) -> list[int]:
    return [int(uid) for uid, out in zip(field.uids, verdicts, strict=True) if out is None]


def _pairs(field: Field, values: Any) -> list[list[Any]]:
    return [list(pair) for pair in zip(field.uids.tolist(), values.tolist(), strict=True)]


FUNCTIONS: Mapping[str, Callable[[Args], Any]] = {
    "beats": _beats,
    "blended_round": _blended_round,
    "champion": _champion,
    "competitive": _competitive,
    "epsilon": _epsilon,
    "filtered_wins": _filtered_wins,
    "round": _round,
    "safe_round": _safe_round,
    "step_weights": _step_weights,
    "wins": _wins,
    **scores.FUNCTIONS,
    **standing_vectors.FUNCTIONS,
}
