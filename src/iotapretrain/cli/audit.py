"""`iota audit`: repeat what a validator published."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import answer, out, tell
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import ScheduledWorkplace, Workplace, with_groups
from iotapretrain.cli.workplace import Publishing, TokenizerPlace
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.competition.audit.check import Check
    from iotapretrain.competition.audit.run import Report

LATEST = "latest"
DIFFERENCE = ("item", "published", "found", "relative")
EXIT_CODES = {"holds": 0, "exposed": 1, "cannot be audited": 2}


@with_groups
def audit(
    place: ScheduledWorkplace,
    number: Annotated[
        str, typer.Argument(metavar="ROUND|latest", help="Which round of the validator.")
    ] = LATEST,
    validator: Publishing = None,
    sample: Annotated[
        int | None, typer.Option(help="Compute only so many losses again. Default: all.", min=1)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Which ones. Default: random, and printed.", min=0)
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            metavar="BLOCK",
            help="Look at every epoch after it. Default: the record before.",
            min=0,
        ),
    ] = None,
    tokenizer: TokenizerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Repeat a published round: signature, pages, models, losses, tournament, standings, weights.

    Exit code 0 if it holds, 1 if something in it is false, 2 if it cannot be audited.

    Example: iota audit latest --sample 20 --network net
    """
    from random import Random

    from iotapretrain.competition.audit.repeated import AuditBench
    from iotapretrain.competition.audit.run import Agreed
    from iotapretrain.competition.audit.run import audit as repeat
    from iotapretrain.data import page_cache as text_cache
    from iotapretrain.hub import model_cache
    from iotapretrain.models.worker import Budget, Worker

    wanted = _round(number)
    agreed = Agreed.of(place.schedule()[1], place.competitions or "competitions")
    chosen = secrets.randbelow(2**32) if seed is None else seed
    texts = text_cache.PageCache(text_cache.default_folder())
    models = model_cache.ModelCache(model_cache.default_folder())
    with Worker(Budget()) as worker:
        bench = AuditBench(place.open_hub(), models, texts, worker, tokenizer)
        how = (validator, sample, Random(chosen), (lambda _: None) if as_json else _tell, since)
        report = place.ask(lambda client: repeat(client, place.netuid, bench, agreed, wanted, *how))
    _record(report, place)
    drawn = []
    if sample is not None:
        drawn.append(
            f"{report.computed} of {report.losses} losses were computed again, drawn by --seed"
            f" {chosen}: a single false one is found with probability {report.chance:.0%}"
        )
    held = f"round {report.round} of {report.validator}: {report.verdict}"
    answer(_document(report, None if sample is None else chosen), as_json, *drawn, held)
    raise typer.Exit(EXIT_CODES[report.verdict])


def _round(number: str) -> int | None:
    if number == LATEST:
        return None
    if not number.isdecimal():
        raise InputError(f"round {number!r}: give a number, or {LATEST}")
    return int(number)


def _record(report: Report, place: Workplace) -> None:
    """Leave the event among those of a network of one's own."""
    from iotapretrain.observe.events import Audited
    from iotapretrain.observe.sink import open_sinks

    if place.folder is not None:
        event = Audited(
            time=time.time(),
            source="auditor:cli",
            validator=report.validator,
            round=report.round,
            held=not report.differences,
            differences=[each.sentence for each in report.differences],
        )
        with open_sinks(place.folder / "records.jsonl") as sink:
            sink.emit(event)


def _tell(check: Check) -> None:
    """At once, so that whoever waits for a long audit sees how far it is."""
    mark = "FALSE" if not check.held else "ok" if check.skipped is None else "partly"
    tell(f"{check.name:<21} {mark:<7} {check.sentence}")
    for difference in check.differences:
        tell(f"    {difference.sentence}")
    if check.skipped is not None:
        tell(f"    not checked: {check.skipped}")
    out.file.flush()


def _document(report: Report, seed: int | None) -> dict[str, Any]:
    return {
        "verdict": report.verdict,
        "validator": report.validator,
        "round": report.round,
        "losses": report.losses,
        "computed": report.computed,
        "chance_of_finding_one": report.chance,
        "seed": seed,
        "checks": [
            {
                "check": check.name,
                "held": check.held,
                "sentence": check.sentence,
                "not_checked": check.skipped,
                "differences": [
                    {key: getattr(each, key) for key in DIFFERENCE} for each in check.differences
                ],
            }
            for check in report.checks
        ],
    }
