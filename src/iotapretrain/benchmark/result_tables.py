"""Results for people and programs: Markdown, CSV, JSON, a chart."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iotapretrain.benchmark.choices import Choices
from iotapretrain.benchmark.results import BenchmarkTask, MeasuredModel, MetricValue
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = (
    *("perplexity", "byte perplexity", "bits per byte"),
    *("acc", "acc_norm", "exact_match", "accuracy", "completeness", "all fields"),
)
"""What tables and charts show, in this order; JSON and CSV hold all."""
SHARES = SHOWN[3:]
"""From 0 to 1, the more the better; of the others, the less."""
NOTHING = MetricValue(0.0)


def as_data(results: Sequence[MeasuredModel]) -> dict[str, Any]:
    listed: list[dict[str, Any]] = msgspec.to_builtins(list(results))
    return {"results": listed}


def as_csv(results: Sequence[MeasuredModel]) -> str:
    """A line a number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", "task", "metric", "value", "stderr"))
    for result in results:
        for name, metric in result.metrics.items():
            stderr = "" if metric.stderr is None else repr(metric.stderr)
            writer.writerow((result.model, result.task, name, repr(metric.value), stderr))
    return text.getvalue()


def as_markdown(results: Sequence[MeasuredModel]) -> str:
    """A row a number, a column a model; below it, what is missing and why."""
    models = list(dict.fromkeys(result.model for result in results))
    found = {
        (result.task, name, result.model): metric
        for result in results
        for name, metric in result.metrics.items()
    }
    lines = [f"| task | metric | {' | '.join(models)} |", f"| --- | --- |{' --- |' * len(models)}"]
    for task, name in _rows(results):
        cells = (_cell(name, found.get((task, name, model))) for model in models)
        lines.append(f"| {task} | {name} | {' | '.join(cells)} |")
    missing = [each for each in results if each.missing is not None]
    lines += ["", *(f"* {each.task}, {each.model}: {each.missing}" for each in missing)]
    return "\n".join(lines).rstrip() + "\n"


def write(folder: Path, results: Sequence[MeasuredModel], tasks: Sequence[BenchmarkTask]) -> None:
    """All forms but the chart, and what `lm-eval` itself needs to run our local tasks."""
    try:
        (folder / "tasks").mkdir(parents=True, exist_ok=True)
        (folder / "benchmark.md").write_text(as_markdown(results), encoding="utf-8")
        (folder / "benchmark.csv").write_text(as_csv(results), encoding="utf-8")
        text = json.dumps(as_data(results), indent=2, allow_nan=False)
        (folder / "benchmark.json").write_text(text + "\n", encoding="utf-8")
        for task in tasks:
            if isinstance(task, Choices) and task.definition() is not None:
                definition = msgspec.yaml.encode(task.definition())
                (folder / "tasks" / f"{task.name}.yaml").write_bytes(definition)
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be written: {error.strerror}") from error


def draw(path: Path, results: Sequence[MeasuredModel]) -> bool:
    """Bars: a panel for each metric of its own scale, one for all shares; a colour a model.

    False where the package for charts is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return False
    from matplotlib.figure import Figure

    numbers = [(task, name) for task, name in _rows(results) if name != "byte perplexity"]
    groups = [[each for each in numbers if each[1] == name] for name in SHOWN[:3]]
    groups.append([each for each in numbers if each[1] in SHARES])
    groups = [group for group in groups if group]
    if not groups:
        return True
    heights = [len(group) + 1 for group in groups]
    figure = Figure(figsize=(8, 0.8 + 0.45 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(groups), squeeze=False, height_ratios=heights)[:, 0]
    for panel, group in zip(panels, groups, strict=True):
        _bars(panel, group, results)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center")
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise InputError(f"--out {path}: cannot be written: {error.strerror}") from error
    return True


def _bars(panel: Axes, group: Sequence[tuple[str, str]], results: Sequence[MeasuredModel]) -> None:
    models = list(dict.fromkeys(result.model for result in results))
    height = 0.8 / len(models)
    for number, model in enumerate(models):
        own = {result.task: result.metrics for result in results if result.model == model}
        metrics = [own.get(task, {}).get(name, NOTHING) for task, name in group]
        panel.barh(
            [place + (number + 0.5) * height - 0.4 for place in range(len(group))],
            [metric.value for metric in metrics],
            height,
            xerr=[metric.stderr or 0.0 for metric in metrics],
            label=model,
        )
    panel.set_yticks(range(len(group)), [f"{task}, {name}" for task, name in group])
    panel.invert_yaxis()
    shares = group[0][1] in SHARES
    panel.set_xlim((0, 1) if shares else None)
    panel.set_xlabel("share (more is better)" if shares else f"{group[0][1]} (less is better)")


def _rows(results: Sequence[MeasuredModel]) -> list[tuple[str, str]]:
    tasks = dict.fromkeys(result.task for result in results)
    had = {(result.task, name) for result in results for name in result.metrics}
    return [(task, name) for task in tasks for name in SHOWN if (task, name) in had]


def _cell(name: str, metric: MetricValue | None) -> str:
    if metric is None:
        return "-"
    digits = 4 if name in SHARES or name == "bits per byte" else 2
    error = "" if metric.stderr is None else f" ± {metric.stderr:.{digits}f}"
    return f"{metric.value:.{digits}f}{error}"
