"""Options of commands that leave records: metrics to be scraped, and an experiment log."""

from __future__ import annotations

from typing import Annotated

import typer

Metrics = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Serve Prometheus metrics there, at /metrics."),
]
Wandb = Annotated[
    str | None,
    typer.Option(metavar="PROJECT", help="Also log to wandb; offline unless logged in."),
]
