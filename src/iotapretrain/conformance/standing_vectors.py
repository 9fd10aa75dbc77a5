"""What rounds add up to, in the form of the vector files: standings, merging, retention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from iotapretrain.conformance.compare import number
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.retention import retained
from iotapretrain.rules.competition.standings import Standings

Args = dict[str, Any]


def _standings(args: Args) -> dict[str, Any]:
    standings, hotkeys = _played(args)
    return {
        "competitions": _vectors(standings, hotkeys),
        "merged": [
            _merged(standings, hotkeys, query["competitions"], query.get("threshold") or 0.0)
            for query in args["queries"]
        ],
    }


def _owner_change(args: Args) -> dict[str, Any]:
    standings, hotkeys = _played(args)
    return {
        "competitions": _vectors(standings, hotkeys),
        "merged": _merged(standings, hotkeys, args["shares"]),
    }


def _played(args: Args) -> tuple[Standings, list[str]]:
    """The standings after all operations, and the hotkey on each uid by then."""
    standings = Standings()
    hotkeys = [f"first on {uid}" for uid in range(args["num_neurons"])]
    for operation in args["ops"]:
        if "record" in operation:
            weights = [number(weight) for weight in operation["record"]["weights"]]
            if len(weights) < len(hotkeys):
                raise InputError("standings: fewer weights than uids; a subnet never shrinks")
            hotkeys += [f"first on {uid}" for uid in range(len(hotkeys), len(weights))]
            step = dict(zip(hotkeys, weights, strict=True))
            competition = operation["record"]["competition"]
            standings = standings.record(competition, step, number(args["alpha"]))
        elif "keep" in operation:
            standings = standings.keep(operation["keep"])
        elif "replace" in operation:
            hotkeys[operation["replace"]] += ", then another"
            standings = standings.retain(hotkeys)
        elif "no_result" not in operation:
            raise InputError(f"standings: an operation that we do not know: {operation}")
    return standings, hotkeys


def _vectors(standings: Standings, hotkeys: list[str]) -> list[list[Any]]:
    return [[c, standings.averages(c, hotkeys)] for c in sorted(standings.competitions)]


def _merged(
    standings: Standings, hotkeys: list[str], pairs: Iterable[Sequence[Any]], threshold: Any = 0.0
) -> list[float]:
    shares = {competition: number(share) for competition, share in pairs}
    merged = standings.merge(shares, number(threshold))
    return [merged.get(hotkey, 0.0) for hotkey in hotkeys]


def _retention(args: Args) -> list[int]:
    scores, rates, standing = (
        {uid: number(value) for uid, value in args[name]}
        for name in ("scores", "win_rate", "standing")
    )
    return retained(scores, rates, standing, args["sample_min"])


FUNCTIONS: Mapping[str, Callable[[Args], Any]] = {
    "owner_change": _owner_change,
    "retention": _retention,
    "standings": _standings,
}
