"""What a miner asks for: a few lines of TOML, and options; what is left out is derived."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from iotapretrain.errors import ConfigError
from iotapretrain.rules.toml_table import TomlTable
from iotapretrain.training.learning_rate import RateSchedule

KEYS = {
    "the file": (
        *("competition", "from", "size", "architecture", "seed"),
        *("tokens", "seconds", "steps", "loss"),
        *("model", "data", "optimiser", "schedule", "run"),
    ),
    "data": ("mix", "tokenizer", "page_rows", "held_out_sequences", "lanes"),
    "data.mix": ("dataset", "config", "weight"),
    "optimiser": ("name", "learning_rate", "weight_decay", "beta1", "beta2", "clip"),
    "schedule": ("shape", "warmup", "decay", "floor"),
    "run": (
        *("batch", "at_once", "precision", "recompute", "compile"),
        *("evaluate_steps", "report_steps", "checkpoint_seconds", "keep"),
    ),
}
"""Every key by the table that it stands in; docs/miner.md is their reference."""

PLAIN_SCHEDULE = RateSchedule()


@dataclass(frozen=True)
class Part:
    """A source and its share of the sequences."""

    dataset: str
    weight: float
    config: str | None = None


@dataclass(frozen=True)
class Recipe:
    """What is given; None and empty mappings leave a value to `planning`."""

    competition: str | None = None
    origin: str | None = None
    size: int | None = None
    architecture: str | None = None
    seed: int = 0
    tokens: int | None = None
    seconds: float | None = None
    steps: int | None = None
    loss: float | None = None
    model: dict[str, Any] = field(default_factory=dict)
    mix: tuple[Part, ...] = ()
    tokenizer: str | None = None
    page_rows: int | None = None
    held_out_sequences: int | None = None
    lanes: int | None = None
    optimiser: dict[str, Any] = field(default_factory=dict)
    schedule: RateSchedule = PLAIN_SCHEDULE
    run: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("size", "tokens", "seconds", "steps", "loss", "page_rows"):
            value = getattr(self, key)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError("training", key, f"{value}", "a finite number above 0")
        if self.origin is not None and (self.size or self.architecture or self.model):
            problem = "given beside a model to start from, which keeps its own"
            raise ConfigError("training", "size, architecture or model", problem, "one of the two")
        if self.tokens is not None and self.steps is not None:
            raise ConfigError("training", "steps", "given beside tokens", "one of the two")

    def with_options(self, **options: Any) -> Recipe:
        """Options go before the file; None is not given. A length replaces a length."""
        given = {key: value for key, value in options.items() if value is not None}
        if "tokens" in given or "steps" in given:
            return replace(self, **({"tokens": None, "steps": None} | given))
        return replace(self, **given)


def read_recipe(path: Path) -> Recipe:
    """The recipe of a TOML file, or one line: file, key, what is wrong, what is allowed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "file", str(error), "a TOML file in UTF-8") from error
    root = TomlTable.of_text(text, str(path))
    root.check_keys(KEYS["the file"])
    data = _table(root, "data")
    schedule = _table(root, "schedule")
    with root.naming():
        return Recipe(
            competition=_text(root, "competition"),
            origin=_text(root, "from"),
            size=_integer(root, "size"),
            architecture=_text(root, "architecture"),
            seed=root.integer("seed", 0),
            tokens=_integer(root, "tokens"),
            seconds=_number(root, "seconds"),
            steps=_integer(root, "steps"),
            loss=_number(root, "loss"),
            model=root.document("model") if "model" in root else {},
            mix=_mix(data),
            tokenizer=_text(data, "tokenizer"),
            page_rows=_integer(data, "page_rows"),
            held_out_sequences=_integer(data, "held_out_sequences"),
            lanes=_integer(data, "lanes"),
            optimiser=_optimiser(_table(root, "optimiser")),
            schedule=_schedule(schedule),
            run=_run(_table(root, "run")),
        )


def _table(root: TomlTable, key: str) -> TomlTable:
    table = root.table(key) if key in root else TomlTable(root.file, key, {})
    table.check_keys(KEYS[key])
    return table


def _mix(data: TomlTable) -> tuple[Part, ...]:
    if "mix" not in data:
        return ()
    parts = []
    for table in data.tables("mix"):
        table.check_keys(KEYS["data.mix"])
        weight = table.number("weight", 1.0)
        if weight <= 0:
            raise table.wrong("weight", f"{weight}", "a number above 0")
        parts.append(Part(table.text("dataset"), weight, _text(table, "config")))
    return tuple(parts)


def _optimiser(table: TomlTable) -> dict[str, Any]:
    numbers = {key: table.number(key) for key in table if key != "name"}
    return numbers | ({"name": table.text("name")} if "name" in table else {})


def _schedule(table: TomlTable) -> RateSchedule:
    plain = PLAIN_SCHEDULE
    with table.naming():
        return RateSchedule(
            shape=table.choice("shape", ("cosine", "wsd"), plain.shape),  # type: ignore[arg-type]
            warmup=table.number("warmup", plain.warmup),
            decay=table.number("decay", plain.decay),
            floor=table.number("floor", plain.floor),
        )


def _run(table: TomlTable) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key in table:
        if key in ("recompute", "compile"):
            given[key] = table.flag(key)
        elif key == "precision":
            given[key] = table.choice(key, ("float32", "bfloat16"))
        elif key == "checkpoint_seconds":
            given[key] = table.number(key)
        else:
            given[key] = table.integer(key)
    return given


def _text(table: TomlTable, key: str) -> str | None:
    return table.text(key) if key in table else None


def _integer(table: TomlTable, key: str) -> int | None:
    return table.integer(key) if key in table else None


def _number(table: TomlTable, key: str) -> float | None:
    return table.number(key) if key in table else None
