"""`iota model`: look at models of strangers, safely."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import echo, print_json
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.workplace import CompetitionName, find_competition, parse_size

if TYPE_CHECKING:
    from iotapretrain.data.tokenizer import Tokenizer
    from iotapretrain.models.header_checks import Limits
    from iotapretrain.models.verdict import Verdict
    from iotapretrain.models.worker import Budget

app = typer.Typer(help="Look at models of strangers, safely.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Argument(help="A folder with config.json and *.safetensors.", show_default=False)
]
TokenizerPlace = Annotated[
    str | None,
    typer.Option("--tokenizer", help="Where its tokenizer lies. Default: as the file says."),
]
Seconds = Annotated[float, typer.Option(help="Most seconds that the model may take.", min=1)]
Memory = Annotated[str, typer.Option(help="Most memory that the model may take.")]


@app.callback()
def group() -> None:
    """Look at models of strangers, safely."""


@app.command()
def inspect(
    folder: Folder,
    competition: CompetitionName,
    tokenizer: TokenizerPlace = None,
    known: Annotated[
        list[Path] | None, typer.Option(help="A model seen before, not to be copied.")
    ] = None,
    seconds: Seconds = 550,
    memory: Memory = "8GiB",
    as_json: AsJson = False,
) -> None:
    """Say whether a model may take part in a competition, and every reason why not.

    Exit code 0 if it may, 1 if not, 2 for wrong input.

    Example: iota model inspect my-model --competition tiny/nano --known champion
    """
    from dataclasses import asdict

    from iotapretrain.errors import InputError
    from iotapretrain.models.admission import fingerprint, inspect
    from iotapretrain.models.verdict import Rejection
    from iotapretrain.models.worker import Worker

    limits, _ = _limits(competition, tokenizer)
    with Worker(_budget(seconds, memory)) as worker:
        try:
            seen = [fingerprint(path, limits, worker) for path in known or []]
        except Rejection as rejection:
            raise InputError(f"a known model cannot be read: {rejection}") from rejection
        inspection = inspect(folder, limits, worker, seen)
        protections = worker.protections
    report = _verdict(inspection.verdict) | {
        "facts": asdict(inspection.facts) if inspection.facts else None,
        "digest": inspection.digest,
        "protections": protections,
    }
    _print(inspection.verdict, report, as_json)


@app.command()
def score(
    folder: Folder,
    competition: CompetitionName,
    text: Annotated[Path, typer.Option(help="A text file.")],
    tokenizer: TokenizerPlace = None,
    seconds: Seconds = 550,
    memory: Memory = "8GiB",
    as_json: AsJson = False,
) -> None:
    """Compute a model's mean loss on a text, cut into sequences of the competition's length.

    Example: iota model score my-model --competition tiny/nano --text README.md
    """
    from iotapretrain.errors import InputError
    from iotapretrain.models import admission
    from iotapretrain.models.worker import Worker

    limits, opened = _limits(competition, tokenizer)
    try:
        content = text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text}: cannot be read: {error}") from error
    length = limits.constraints.sequence_length
    ids = opened.encode([content])[0]
    rows = ids[: len(ids) // length * length].reshape(-1, length).tolist()
    if not rows:
        raise InputError(f"{text}: {len(ids)} tokens; at least {length} are needed")
    with Worker(_budget(seconds, memory)) as worker:
        loss = admission.score(folder, limits, worker, rows)
    report = _verdict(loss.verdict)
    if loss.verdict.admitted:
        report |= {"sequences": len(rows), "loss": loss.mean if loss.mean < float("inf") else None}
    _print(loss.verdict, report, as_json)


def _limits(competition: str, place: str | None) -> tuple[Limits, Tokenizer]:
    from iotapretrain.data.tokenizer import load_tokenizer
    from iotapretrain.models.header_checks import Limits

    constraints = find_competition(competition).constraints
    opened = load_tokenizer(place or constraints.tokenizer)
    return Limits(constraints, opened.vocabulary), opened


def _budget(seconds: float, memory: str) -> Budget:
    from iotapretrain.models.worker import Budget

    return Budget(seconds, parse_size(memory))


def _verdict(verdict: Verdict) -> dict[str, Any]:
    from dataclasses import asdict

    findings = [asdict(finding) for finding in verdict.findings]
    return {"admitted": verdict.admitted, "findings": findings}


def _print(verdict: Verdict, report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        for finding in verdict.findings:
            echo(f"{finding.code}: {finding.sentence}")
        for key, value in report.items():
            if value is not None and key not in ("findings", "facts", "protections"):
                echo(f"{key}: {value}")
        for key, value in (report.get("facts") or {}).items():
            echo(f"{key}: {value}")
    if not verdict.admitted:
        raise typer.Exit(1)
