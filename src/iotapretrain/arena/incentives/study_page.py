"""A study as a section of a page, so that no number in the documentation is typed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iotapretrain.arena.incentives.experiment import Study


def section(study: Study) -> str:
    """The figure, the set-up, the findings and the numbers, in Markdown."""
    return "\n".join(_lines(study)) + "\n"


def _lines(study: Study) -> Iterator[str]:
    made = study.experiment
    rounds = len(next(iter(study.runs.values())).history)
    yield f"**Claim.** {made.claim}"
    yield ""
    yield f"![{made.claim}](img/incentives/{made.name}.png)"
    yield ""
    yield f"*Set-up.* {made.setup} {len(study.runs)} worlds of {rounds:,} rounds."
    yield ""
    for finding in study.report.findings:
        yield f"* **{finding.verdict.capitalize()}.** {finding.text}"
    yield ""
    table = study.report.table
    yield _row([column.name for column in table.columns])
    yield _row(["---"] * len(table.columns))
    for texts in table.texts():
        yield _row(texts)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
