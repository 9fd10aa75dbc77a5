"""`iota model`: look at models of strangers, safely."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import answer
from iotapretrain.cli.network_options import AsJson
from iotapretrain.cli.option_groups import with_groups
from iotapretrain.cli.workplace import CompetitionName, TokenizerPlace, find_competition, parse_size
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from iotapretrain.data.tokenizer import Tokenizer
    from iotapretrain.models.header_checks import Limits
    from iotapretrain.models.verdict import Verdict
    from iotapretrain.models.worker import Worker

app = typer.Typer(help="Look at models of strangers, safely.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Argument(help="A folder with config.json and *.safetensors.", show_default=False)
]


@dataclass(frozen=True)
class InspectionTerms:
    """What a model is held to, and what looking at it may cost."""

    competition: CompetitionName
    tokenizer: TokenizerPlace = None
    seconds: Annotated[float, typer.Option(help="Most seconds that the model may take.", min=1)] = (
        550
    )
    memory: Annotated[str, typer.Option(help="Most memory that the model may take.")] = "8GiB"

    def limits(self) -> tuple[Limits, Tokenizer]:
        """With the tokenizer that they need."""
        from iotapretrain.data.tokenizer import load_tokenizer
        from iotapretrain.models.header_checks import Limits

        constraints = find_competition(self.competition).constraints
        opened = load_tokenizer(self.tokenizer or constraints.tokenizer)
        return Limits(constraints, opened.vocabulary), opened

    def worker(self) -> Worker:
        from iotapretrain.models.worker import Budget, Worker

        return Worker(Budget(self.seconds, parse_size(self.memory)))


@app.command()
@with_groups
def inspect(
    folder: Folder,
    terms: InspectionTerms,
    known: Annotated[
        list[Path] | None, typer.Option(help="A model seen before, not to be copied.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a model may take part in a competition, and every reason why not.

    Exit code 0 if it may, 1 if not, 2 for wrong input.

    Example: iota model inspect my-model --competition tiny/nano --known champion
    """
    from iotapretrain.models.admission import fingerprint, inspect
    from iotapretrain.models.verdict import Rejection

    limits, _ = terms.limits()
    with terms.worker() as worker:
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
@with_groups
def score(
    folder: Folder,
    terms: InspectionTerms,
    text: Annotated[Path, typer.Option(help="A text file.")],
    as_json: AsJson = False,
) -> None:
    """Compute a model's mean loss on a text, cut into sequences of the competition's length.

    Example: iota model score my-model --competition tiny/nano --text README.md
    """
    from iotapretrain.models import admission

    limits, opened = terms.limits()
    try:
        content = text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text}: cannot be read: {error}") from error
    length = limits.constraints.sequence_length
    ids = opened.encode([content])[0]
    rows = ids[: len(ids) // length * length].reshape(-1, length).tolist()
    if not rows:
        raise InputError(f"{text}: {len(ids)} tokens; at least {length} are needed")
    with terms.worker() as worker:
        loss = admission.score(folder, limits, worker, rows)
    report = _verdict(loss.verdict)
    if loss.verdict.admitted:
        report |= {"sequences": len(rows), "loss": loss.mean if loss.mean < float("inf") else None}
    _print(loss.verdict, report, as_json)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"admitted": verdict.admitted, "findings": list(map(asdict, verdict.findings))}


def _print(verdict: Verdict, report: dict[str, Any], as_json: bool) -> None:
    told = [key for key in report if key not in ("findings", "facts", "protections")]
    lines = [f"{finding.code}: {finding.sentence}" for finding in verdict.findings]
    lines += [f"{key}: {report[key]}" for key in told if report[key] is not None]
    lines += [f"{key}: {value}" for key, value in (report.get("facts") or {}).items()]
    answer(report, as_json, *lines)
    if not verdict.admitted:
        raise typer.Exit(1)
