"""The rules of a competition round, in the form of the vector files: the models' scores before it,
the round from losses to weights, and the standings after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from iotapretrain.conformance.compare import Args, Function, by_name, numbers
from iotapretrain.errors import InputError
from iotapretrain.rules.competition import eligibility, epsilon, tournament, wins
from iotapretrain.rules.competition.eligibility import Filter
from iotapretrain.rules.competition.epsilon import Epsilon, FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.retention import retained
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.task_score import Method, Task, aggregate, normalise, weigh
from iotapretrain.rules.competition.tournament import DecidedRound, Mode, NoResult, RoundRules
from iotapretrain.rules.competition.wins import succession

NO_RESULT = "no_result"
UNFILTERED = Mode(tournament.Comparison.SCORE_LEVEL, Filter.NONE, alone=1.0)


@dataclass(frozen=True, eq=False)
class Blend:
    """Softmax first, then (1 - share) x one + share x the other: there are two first places."""

    first: DecidedRound
    second: DecidedRound
    share: float

    @property
    def weights(self) -> FloatArray:
        return (1 - self.share) * self.first.weights + self.share * self.second.weights


def blended(
    field: Field, rules: RoundRules, second: Epsilon, share: float, now: float
) -> Blend | NoResult:
    """Play the same losses under a second epsilon as well, which decides `share` of the weights."""
    if not 0 <= share <= 1:
        raise InputError(f"blend: the second epsilon's share is {share}; give a number from 0 to 1")
    outcome = tournament.play(field, rules, now)
    other = tournament.play(field, replace(rules, epsilon=second), now)
    if isinstance(outcome, NoResult):
        return outcome
    if isinstance(other, NoResult):
        return other
    return Blend(outcome, other, share)


def _epsilon(func: Args, current_block: float, model_block: float) -> float:
    return float(epsilon.parse(func).at(current_block - model_block))


def _beats(args: Args) -> bool:
    blocks, losses = [args["block_i"], args["block_j"]], [args["loss_i"], args["loss_j"]]
    field = Field.of([0, 1], blocks, scores=losses)
    return wins.beats(*losses, *blocks, *_epsilons(field, args).tolist())


def _epsilons(field: Field, args: Args) -> FloatArray:
    return epsilon.parse(args["func"]).at(field.ages(args["current_block"]))


def _competitive(args: Args) -> list[int]:
    field = _models(args)
    verdicts = eligibility.original(field, epsilon.parse(args["func"]).floor)
    return sorted(_uids(field, verdicts))


def _round(args: Args) -> dict[str, Any]:
    field = _paged(args)
    return {
        "per_page": _whole(_play(field, args, tournament.WHITEPAPER)),
        "score_level": _whole(_play(field, args, tournament.RELEASE_4_5_3)),
    }


def _blended_round(args: Args) -> list[list[Any]]:
    field = _paged(args)
    rules = RoundRules(epsilon.parse(args["func"]), tournament.WHITEPAPER, args["temperature"])
    second = epsilon.parse(args["func_2"])
    blend = blended(field, rules, second, args["share"], args["current_block"])
    return [] if isinstance(blend, NoResult) else _pairs(field, blend.weights)


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
    line = [int(field.uids[row]) for row in succession(field, _epsilons(field, args))]
    return {"champion": line[-1], "succession": line} if line else NO_RESULT


def _models(args: Args) -> Field:
    models = args["models"]
    ordered = any("order" in model for model in models)
    return Field.of(
        [model["uid"] for model in models],
        [model["block"] for model in models],
        scores=[model["score"] for model in models],
        orders=[model["order"] for model in models] if ordered else None,
        digests=[model.get("digest") for model in models],
    )


def _paged(args: Args) -> Field:
    return Field.of(args["uids"], args["blocks"], losses=args["losses"])


def _play(field: Field, args: Args, mode: Mode) -> DecidedRound | NoResult:
    rules = RoundRules(epsilon.parse(args["func"]), mode, args.get("temperature", 0.01))
    return tournament.play(field, rules, args["current_block"])


def _inside(outcome: DecidedRound | NoResult) -> dict[str, Any]:
    """Wins and win rates of the models inside the filter; the original has them for no others."""
    if isinstance(outcome, NoResult):
        return {"wins": [], "win_rate": []}
    kept = set(_uids(outcome.field, outcome.left_out))

    def inside(values: Any) -> list[list[Any]]:
        return sorted(pair for pair in _pairs(outcome.field, values) if pair[0] in kept)

    return {"wins": inside(outcome.wins), "win_rate": inside(outcome.win_rates)}


def _whole(outcome: DecidedRound | NoResult) -> dict[str, Any]:
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


def _normalise(score: float, method: str, ceiling: float | None = None) -> float:
    return normalise(float(score), _method(method), ceiling)


def _aggregate(args: Args) -> dict[str, Any]:
    """What the original does: no data at all is a score of 0, and no failure is looked for."""
    parts = weigh(*_tasks(args), args["failed"])
    details = [[part.name, part.raw, part.normalised, part.weighted] for part in parts]
    return {"score": sum((part.weighted for part in parts), 0.0), "details": details}


def _safe_aggregate(args: Args) -> dict[str, Any] | str:
    score = aggregate(*_tasks(args), args["failed"])
    return NO_RESULT if score is None else {"score": score.value}


def _tasks(args: Args) -> tuple[list[Task], dict[str, float | None]]:
    tasks = [_task(task) for task in args["tasks"]]
    return tasks, {task["name"]: task["raw"] for task in args["tasks"]}


def _task(document: Args) -> Task:
    """A task of a vector file, where a ceiling stands even beside the method that has none."""
    method = _method(document["method"])
    ceiling = None if method is Method.NONE else document.get("ceiling")
    return Task(document["name"], document["weight"], method, ceiling)


def _task_valid(weight: float, method: str, parameters: Args | None = None) -> bool:
    try:
        Task("task", weight, _method(method), (parameters or {}).get("ceiling"))
    except InputError:
        return False
    return True


def _method(word: Any) -> Method:
    try:
        return Method(word)
    except ValueError:
        raise InputError(f"method {word!r} is unknown; give {' or '.join(Method)}") from None


def _standings(args: Args) -> dict[str, Any]:
    standings, hotkeys = _played(args)
    merged = []
    for query in args["queries"]:
        shares = standings.merge(dict(query["competitions"]), query.get("threshold") or 0.0)
        merged.append([shares.get(hotkey, 0.0) for hotkey in hotkeys])
    averages = [
        [each, standings.averages(each, hotkeys)] for each in sorted(standings.competitions)
    ]
    return {"competitions": averages, "merged": merged}


def _owner_change(args: Args) -> dict[str, Any]:
    told = _standings(args | {"queries": [{"competitions": args["shares"]}]})
    return told | {"merged": told["merged"][0]}


def _played(args: Args) -> tuple[Standings, list[str]]:
    """The standings after all operations, and the hotkey on each uid by then."""
    standings = Standings()
    hotkeys = [f"first on {uid}" for uid in range(args["num_neurons"])]
    for operation in args["ops"]:
        if "record" in operation:
            weights = operation["record"]["weights"]
            if len(weights) < len(hotkeys):
                raise InputError("standings: fewer weights than uids; a subnet never shrinks")
            hotkeys += [f"first on {uid}" for uid in range(len(hotkeys), len(weights))]
            step = dict(zip(hotkeys, weights, strict=True))
            competition = operation["record"]["competition"]
            standings = standings.record(competition, step, args["alpha"])
        elif "keep" in operation:
            standings = standings.keep(operation["keep"])
        elif "replace" in operation:
            hotkeys[operation["replace"]] += ", then another"
            standings = standings.retain(hotkeys)
        elif "no_result" not in operation:
            raise InputError(f"standings: an operation that we do not know: {operation}")
    return standings, hotkeys


def _retention(args: Args) -> list[int]:
    scores, rates, standing = (dict(args[name]) for name in ("scores", "win_rate", "standing"))
    return retained(scores, rates, standing, args["sample_min"])


_RULES: Mapping[str, Function] = {
    "aggregate": _aggregate,
    "beats": _beats,
    "blended_round": _blended_round,
    "champion": _champion,
    "competitive": _competitive,
    "epsilon": by_name(_epsilon),
    "filtered_wins": lambda args: _inside(_play(_models(args), args, tournament.RELEASE_4_5_3)),
    "normalise": by_name(_normalise),
    "owner_change": _owner_change,
    "retention": _retention,
    "round": _round,
    "safe_aggregate": _safe_aggregate,
    "safe_round": _safe_round,
    "standings": _standings,
    "step_weights": lambda args: tournament.softmax(
        args["win_rates"], args["temperature"]
    ).tolist(),
    "task_valid": by_name(_task_valid),
    "wins": lambda args: _inside(_play(_models(args), args, UNFILTERED)),
}


def _on_numbers(rule: Function) -> Function:
    return lambda args: rule(numbers(args))


FUNCTIONS = {name: _on_numbers(rule) for name, rule in _RULES.items()}
