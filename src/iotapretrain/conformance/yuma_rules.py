"""The rules around an epoch, as the Yuma vectors (`rules`) name them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from iotapretrain.conformance.compare import Function, Label
from iotapretrain.errors import InputError
from iotapretrain.rules.chain import registration
from iotapretrain.rules.chain.emission import EpochClock, activity_cutoff, block_emission
from iotapretrain.rules.chain.fixed_point import nearest
from iotapretrain.rules.chain.weight_setting import (
    WeightsCall,
    WeightsOutcome,
    judge_alpha_bounds,
    judge_weights,
    reveal_status,
)

Args = dict[str, Any]

_UNSTATED = {"n": 3, "uid": 0, "stake": 1, "last_update": 0, "block": 0}

# No published vector ends in one of these, so that what files call them is not known.
_UNLABELLED = {
    WeightsOutcome.NO_MECHANISM,
    WeightsOutcome.TOO_MANY_UIDS,
    WeightsOutcome.WRONG_VERSION_KEY,
    WeightsOutcome.UNKNOWN_UID,
}
_LABELS = frozenset(outcome.value for outcome in WeightsOutcome if outcome not in _UNLABELLED)


def _accept_weights(args: Args) -> Any:
    return Label(judge_weights(WeightsCall(**{**_UNSTATED, **args})).value, _LABELS)


def _clock(args: Args) -> EpochClock:
    return EpochClock(args["tempo"], args["last_epoch_block"])


def _burn_price(args: Args) -> Any:
    bounds = args["min_burn"], args["max_burn"]
    multiplier = int(Fraction(args["multiplier"]) * (1 << registration.MULTIPLIER_BITS))
    price, prices = args["burn"], []
    for event in args["events"]:
        if event == "block":
            price = registration.decayed(price, args["half_life"], *bounds)
        elif event == "register":
            price = registration.raised(price, multiplier, *bounds)
        else:
            raise InputError(f"events: {event!r} is neither block nor register")
        prices.append(price)
    return prices


def _emission_split(args: Args) -> Any:
    pots = block_emission(
        args["alpha_out"],
        args["owner_cut_u16"],
        int(nearest(args["root_proportion"])),
        args.get("owner_cut_enabled", True),
    )
    return {name: getattr(pots, name) for name in ("owner", "miners", "validators", "root")}


def _select_prune(args: Args) -> Any:
    neurons = sorted(args["neurons"], key=lambda neuron: neuron["uid"])
    uids = [neuron["uid"] for neuron in neurons]
    owner = args["owner_uid"]
    place = registration.uid_to_replace(
        [
            registration.ReplaceableNeuron(
                n["emission"], n["registered"], n.get("owner_key", False)
            )
            for n in neurons
        ],
        args["block"],
        args["immunity_period"],
        args["min_non_immune"],
        args["immune_owner_limit"],
        uids.index(owner) if owner in uids else None,
    )
    return None if place is None else uids[place]


def _should_run_epoch(args: Args) -> Any:
    state = {name: value for name, value in args.items() if name != "block"}
    return EpochClock(**state).due(args["block"])


def _tempo_walk(args: Args) -> Any:
    block, clock = args["start_block"], _clock(args)
    counts = []
    for move in args["moves"]:
        for _ in range(_blocks_of(move, clock, block)):
            block, clock = block + 1, clock.ticked()
            if clock.due(block):
                clock = clock.ran(block)
        counts.append(clock.blocks_since_last_step)
    return counts


def _blocks_of(move: Mapping[str, int], clock: EpochClock, block: int) -> int:
    if set(move) == {"blocks"}:
        return move["blocks"]
    if set(move) == {"to_next_epoch_plus"}:
        return clock.blocks_until(block) + move["to_next_epoch_plus"]
    raise InputError(f"moves: {dict(move)} is neither blocks nor to_next_epoch_plus")


FUNCTIONS: Mapping[str, Function] = {
    "accept_weights": _accept_weights,
    "activity_cutoff": lambda args: activity_cutoff(**args),
    "blocks_until_next_epoch": lambda args: _clock(args).blocks_until(args["block"]),
    "burn_price": _burn_price,
    "emission_split": _emission_split,
    "next_epoch_block": lambda args: EpochClock(**args).next_block(),
    "reveal_status": lambda args: reveal_status(**args).value,
    "select_prune": _select_prune,
    "set_alpha_values": lambda args: judge_alpha_bounds(**args).value,
    "should_run_epoch": _should_run_epoch,
    "tempo_walk": _tempo_walk,
}
