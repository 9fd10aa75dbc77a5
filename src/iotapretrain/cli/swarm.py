"""`iota swarm`: one model in stages, on machines that nobody trusts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iotapretrain.cli.console import PrintedTable, echo, print_json
from iotapretrain.cli.network_options import AsJson
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    import torch

    from iotapretrain.models.stages.staged_config import StagedConfig
    from iotapretrain.swarm.run_file import SwarmRun
    from iotapretrain.swarm.stage_needs import StageNeeds

REPORT_SECONDS = 2.0
STEPS = 20
LARGEST_SHARE = 0.8
"""Of the machine's memory that a trial may take."""

app = typer.Typer(
    help="Train one model in stages, with machines that nobody trusts.", no_args_is_help=True
)


@app.callback()
def group() -> None:
    """Train one model in stages, with machines that nobody trusts."""


@app.command("try")
def try_run(
    run: Annotated[Path, typer.Argument(help="A run's TOML; or tiny, laptop-1b.")],
    steps: Annotated[
        int | None,
        typer.Option(min=0, help="Train so many; 0 prints needs alone. Default: 20, or as fits."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps.")] = "cpu",
    export: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the trained model there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a run's stages in one process over its real frames: loss, bytes, time, needs.

    A model too large for this machine is not allocated: its needs are printed alone.

    Example: iota swarm try examples/runs/tiny.toml --steps 20
    """
    from iotapretrain.disk.whole_files import shipped_file

    if not (run := shipped_file(run, "runs", ".toml")).is_file():
        raise InputError(f"{run}: no such file; give a run's TOML, tiny or laptop-1b")

    from iotapretrain.data.tokenizer import load_tokenizer
    from iotapretrain.swarm.run_file import read_run_file
    from iotapretrain.swarm.stage_needs import stage_needs

    given = read_run_file(run)
    vocabulary = given.model.vocabulary or load_tokenizer(given.data.tokenizer).vocabulary
    config = given.config(vocabulary)
    needs = stage_needs(given, config)
    wanted = _steps(steps, needs, device)
    report: dict[str, Any] = {
        "run": given.name,
        "parameters": sum(each.parameters for each in needs),
        "wire_bytes_per_token": given.frame(config).token_bytes(),
        "stages": [asdict(each) | {"memory": each.memory} for each in needs],
    }
    if wanted:
        report |= _train(given, config, wanted, device, export)
    if as_json:
        print_json(report)
    else:
        _show(given, report)


def _steps(asked: int | None, needs: list[StageNeeds], device: str) -> int:
    """How many to train: what was asked for, none of a model that does not fit here."""
    from iotapretrain.models.worker import machine_bytes

    wanted = sum(each.memory for each in needs)
    if asked == 0 or device != "cpu" or wanted <= LARGEST_SHARE * machine_bytes():
        return STEPS if asked is None else asked
    echo(
        f"all stages together need {gigabytes(wanted)}, this machine has"
        f" {gigabytes(machine_bytes())}: nothing is trained, needs alone are printed",
        err=True,
    )
    return 0


def _train(
    run: SwarmRun, config: StagedConfig, steps: int, device: str, export: Path | None
) -> dict[str, Any]:
    """Steps of all stages, with a line of progress now and then; what they showed."""
    import torch

    from iotapretrain.data.page_cache import PageCache, default_folder
    from iotapretrain.data.tokenizer import load_tokenizer
    from iotapretrain.swarm.pipeline import Pipeline
    from iotapretrain.training.run_folder import make
    from iotapretrain.training.stage_step import DeterminismClass

    tokenizer = load_tokenizer(run.data.tokenizer)
    run.config(tokenizer.vocabulary)  # refuses too small a vocabulary
    if export is not None:
        make(export)  # before anything is trained for it
    place = _device(device)
    kind = DeterminismClass.here(place, getattr(torch, run.step.precision))
    pipeline = Pipeline(run, config, PageCache(default_folder()), place)
    try:
        first = pipeline.held_out_loss()
        started = said = time.monotonic()
        losses = []
        for step in range(1, steps + 1):
            losses.append(pipeline.step())
            if time.monotonic() - said > REPORT_SECONDS or step == steps:
                said = time.monotonic()
                speed = pipeline.tokens / (said - started)
                line = f"step {step}/{steps}  loss {losses[-1]:.4f}  {speed:,.0f} tokens/s"
                echo(line, err=True)
        seconds = time.monotonic() - started
        last = pipeline.held_out_loss()
    finally:
        pipeline.close()
    if export is not None:
        pipeline.export(export, tokenizer)
        echo(f"the model lies in {export}", err=True)
    return {
        "steps": steps,
        "tokens": pipeline.tokens,
        "loss": losses[-1],
        "held_out_loss": last,
        "held_out_loss_before": first,
        "tokens_per_second": pipeline.tokens / seconds,
        "determinism_class": str(kind),
        "links": [link.hex() for link in pipeline.links],
        "seconds_by_stage": [each.seconds for each in pipeline.stages],
        "sent_bytes_by_stage": [each.sent_bytes for each in pipeline.stages],
    }


def _device(name: str) -> torch.device:
    """Where to compute, once it has shown that it can."""
    import torch

    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    # a torch without CUDA asserts, one without a kind has not implemented it, an absent one fails
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"device {name!r}: {line}; give cpu, or one that is there") from error
    return device


def _show(run: SwarmRun, report: dict[str, Any]) -> None:
    """The table of stages, and a line about the whole."""
    rows = list(_rows(report))
    columns = (
        *("stage", "blocks", "parameters", "memory", "of it state", "bytes a token sent"),
        *("Mbit/s sent at 1,000 tokens/s", "ms a token"),
    )
    note = f"{report['parameters']:,} parameters; a token takes"
    note += f" {report['wire_bytes_per_token']:,.1f} bytes at each boundary, there and back"
    if "steps" in report:
        note += (
            f"; held-out loss {report['held_out_loss_before']:.4f} ->"
            f" {report['held_out_loss']:.4f} after {report['tokens']:,} tokens at"
            f" {report['tokens_per_second']:,.0f} a second ({report['determinism_class']})"
        )
    PrintedTable(f"{run.name}: {len(rows)} stages", columns, rows, note).show()


def _rows(report: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for each in report["stages"]:
        spent = report["seconds_by_stage"][each["stage"]] if "steps" in report else None
        yield (
            each["stage"],
            each["blocks"],
            each["parameters"],
            gigabytes(each["memory"]),
            gigabytes(each["state_bytes"]),
            round(each["sent_bytes"], 1),
            round(each["sent_bytes"] * 8 / 1000, 3),
            None if spent is None else round(1000 * spent / report["tokens"], 4),
        )


def gigabytes(count: float) -> str:
    """For a person."""
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
