"""`iota explain`: why a miner has the weight that it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import answer
from iotapretrain.cli.network_options import RAO, AsJson
from iotapretrain.cli.option_groups import ScheduledWorkplace, with_groups

if TYPE_CHECKING:
    from iotapretrain.competition.records.miner_account import Account, Explanation


@with_groups
def explain(
    place: ScheduledWorkplace,
    miner: Annotated[str, typer.Argument(metavar="uid:N", help="Whose weight.")],
    number: Annotated[
        int | None,
        typer.Option("--round", help="By the records of this round. Default: the newest.", min=1),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a miner has its weight: verdict, losses, epsilon, wins, averages, emission.

    Example: iota explain uid:3 --network net
    """
    from iotapretrain.competition.records.find_model import read_uid
    from iotapretrain.competition.records.miner_account import explain as read

    uid, hub, (schedule, _) = read_uid(miner), place.open_hub(), place.schedule()
    found = place.ask(lambda client: read(client, hub, place.netuid, uid, schedule, number))
    answer(_document(found), as_json, *_lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    yield f"uid {found.uid}, hotkey {found.hotkey}, at block {found.block}"
    yield f"  Incentive {found.incentive:.4g}; the last epoch paid it {found.emission / RAO:.9g}."
    for validator, share in found.rows.items():
        yield f"  Validator uid {validator} gives it {share:.4g} of its weights on the chain."
    for told in found.accounts:
        yield f"by {told.validator}, round {told.round}, {told.competition}"
        yield from (f"  {sentence}" for sentence in told.sentences)
    if not found.accounts:
        yield f"  {_nothing(found)}"
    for silence in found.silences:
        yield f"  {silence.source.validator}: {silence.reason}"


def _nothing(found: Explanation) -> str:
    if found.committed is None:
        return "It has committed nothing, so that there is nothing to judge."
    return f"No public record speaks of it yet; it has committed {found.committed}"


def _document(found: Explanation) -> dict[str, Any]:
    return {
        "uid": found.uid,
        "hotkey": found.hotkey,
        "block": found.block,
        "committed": found.committed,
        "incentive": found.incentive,
        "emission_rao": found.emission,
        "weights_by_validator_uid": {str(uid): share for uid, share in found.rows.items()},
        "accounts": [_account(told) for told in found.accounts],
        "silent": [
            {"validator": each.source.validator, "reason": each.reason} for each in found.silences
        ],
    }


def _account(told: Account) -> dict[str, Any]:
    import msgspec

    champion = told.champion
    return {
        "validator": told.validator,
        "round": told.round,
        "block": told.block,
        "competition": told.competition,
        "model": msgspec.to_builtins(told.model),
        "champion": None if champion is None else champion.uid,
        "champion_loss": None if champion is None else champion.score,
        "bar": told.bar,
        "behind": told.behind,
        "standard_error": told.error,
        "average": told.standing,
        "weight": told.weight,
        "sentences": list(told.sentences),
    }
