"""`docs/records.md`, made from what the code says: every kind of event, every metric."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import get_args

from iotapretrain.observe import events
from iotapretrain.observe.metrics import METRICS

HEAD = """# Records

Everything that happens and is worth a record is an event: one JSON object, one line, appended to a
file. A miner's runs, a validator and the demo each have a `records.jsonl` in their folder; the
dashboard, `iota records export` and whoever likes read them.

    iota records export net/ --kind round-finished --format csv > rounds.csv
    iota records schema > docs/records.md

Units are in the names (`_seconds`, `_bytes`, `_tokens`); losses are nats a token; blocks are block
numbers; `time` is seconds since 1970. What is unknown is `null`; no number is infinite or NaN.
Readers pass over kinds and fields that they do not know, so both may be added; neither is renamed.

A round has a record of its own, which is signed and says everything that is needed to compute it
again: `SignedRound` in `src/iotapretrain/competition/records/round_record.py`. An event names it by
its digest.

This page is printed by `iota records schema`; a test fails when it is out of date.

## Every event has

| field | type | meaning |
| --- | --- | --- |
| `kind` | text | which of the kinds below |
| `time` | number | when, seconds since 1970 |
| `source` | text | whose word it is: `train:RUN`, `validator:HOTKEY`, `auditor:NAME`, `demo` |
"""

METRICS_HEAD = """## Metrics

`--metrics HOST:PORT` of a command that trains or validates serves these at `/metrics` for
Prometheus (extra `metrics`). `examples/grafana/` has a dashboard over them. The rule of the names:
`iota_`, the role, what is counted, the base unit; `_total` for what only grows. There are no rates:
`rate()` computes them. Each has the label `source`, and those named here.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""

WANDB = """
## Weights & Biases

`--wandb PROJECT` (extra `wandb`) logs the numbers of every event as graphs named `KIND/FIELD`,
offline unless the machine is logged in. A validator also logs each round in the fields that readers
of Subnet 9's public runs know: `original_format_json` and the graphs beside it, made by
`src/iotapretrain/competition/records/original_format.py`. Scores that are not there are `null`,
never `Infinity`, and the original's timing fields are left out: timings are no part of a record.
"""


def records_page() -> str:
    """The page as it must stand in `docs/`."""
    kinds = sorted(get_args(events.AnyEvent), key=lambda kind: str(kind.__struct_config__.tag))
    told = _docstrings(events)
    sections = [_section(kind, told[kind.__name__]) for kind in kinds]
    rows = [
        f"| `{each.name}` | {each.kind} | {', '.join(each.labels)} | {each.says} |"
        for each in METRICS
    ]
    return "\n".join([HEAD, *sections, METRICS_HEAD + "\n".join(rows), WANDB])


def _section(kind: type[events.Event], fields: dict[str, tuple[str, str]]) -> str:
    tag = kind.__struct_config__.tag
    lines = [f"## `{tag}`\n", inspect.getdoc(kind) or "", "\n| field | type | meaning |"]
    lines.append("| --- | --- | --- |")
    for name, (annotation, meaning) in fields.items():
        shown = annotation.replace("|", "or").replace("  ", " ")
        lines.append(f"| `{name}` | {shown} | {meaning} |")
    return "\n".join(lines) + "\n"


def _docstrings(module: ModuleType) -> dict[str, dict[str, tuple[str, str]]]:
    """For every class its fields but for those of every event: their types as written, and the text
    below them."""
    found: dict[str, dict[str, tuple[str, str]]] = {events.Event.__name__: {}}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef) and node.name not in found:
            (base,) = map(ast.unparse, node.bases)
            found[node.name] = found[base] | _fields(node)
    return found


def _fields(node: ast.ClassDef) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    name = ""
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            name = part.target.id
            found[name] = (ast.unparse(part.annotation), "")
        elif name and isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
            found[name] = (found[name][0], " ".join(str(part.value.value).split()))
    return found
