"""What a miner asks for: a few lines of TOML, and options; what is left out is derived."""

from __future__ import annotations

import math
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from iotapretrain.errors import ConfigError, InputError
from iotapretrain.rules.competition.schedule import Constraints
from iotapretrain.training.plan import OptimiserName, Precision, RateSchedule, RateShape

Text = Annotated[str, msgspec.Meta(min_length=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=sys.float_info.max)]


class RecipeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Keys that stand together; None leaves a value to `planning`. docs/miner.md explains them."""

    def given(self) -> dict[str, Any]:
        """The keys that are not left out."""
        keys: dict[str, Any] = msgspec.to_builtins(self)
        return keys


class MixPart(RecipeTable, frozen=True):
    """A source and its share of the sequences."""

    dataset: Text
    weight: Share = 1.0
    config: Text | None = None


class DataTable(RecipeTable, frozen=True):
    mix: tuple[MixPart, ...] = ()
    tokenizer: Text | None = None
    page_rows: Annotated[int, msgspec.Meta(ge=1)] | None = None
    held_out_sequences: int | None = None
    lanes: int | None = None


class OptimiserTable(RecipeTable, frozen=True):
    """What moves the weights, and how far."""

    name: OptimiserName | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    clip: float | None = None


class RunTable(RecipeTable, frozen=True):
    """How it is computed, and what is left behind how often."""

    batch: int | None = None
    at_once: int | None = None
    precision: Precision | None = None
    recompute: bool | None = None
    compile: bool | None = None
    evaluate_steps: int | None = None
    report_steps: int | None = None
    checkpoint_seconds: float | None = None
    keep: int | None = None


class TrainingRecipe(RecipeTable, frozen=True, rename={"origin": "from"}):
    competition: Text | None = None
    origin: Text | None = None
    size: int | None = None
    architecture: Text | None = None
    seed: int = 0
    tokens: int | None = None
    seconds: float | None = None
    steps: int | None = None
    loss: float | None = None
    model: dict[str, Any] = {}
    data: DataTable = DataTable()
    optimiser: OptimiserTable = OptimiserTable()
    schedule: RateSchedule = RateSchedule()
    run: RunTable = RunTable()

    def __post_init__(self) -> None:
        for key in ("size", "tokens", "seconds", "steps", "loss"):
            value = getattr(self, key)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError("training", key, f"{value}", "a finite number above 0")
        if self.origin is not None and (self.size or self.architecture or self.model):
            problem = "given beside a model to start from, which keeps its own"
            raise ConfigError("training", "size, architecture or model", problem, "one of the two")
        if self.tokens is not None and self.steps is not None:
            raise ConfigError("training", "steps", "given beside tokens", "one of the two")

    def with_options(self, *, tokenizer: str | None = None, **options: Any) -> TrainingRecipe:
        """Options go before the file; None is not given. A length replaces a length."""
        given = {key: value for key, value in options.items() if value is not None}
        if "tokens" in given or "steps" in given:
            given = {"tokens": None, "steps": None} | given
        if tokenizer is not None:
            given["data"] = msgspec.structs.replace(self.data, tokenizer=tokenizer)
        return msgspec.structs.replace(self, **given)


def is_remote(origin: str) -> bool:
    """Whether a start has to be brought here first; all others are folders."""
    return origin.startswith(HUB) or _CHAMPION.fullmatch(origin) is not None


def check_early(recipe: TrainingRecipe, constraints: Constraints) -> None:
    """Refuse at once what would be refused after everything that training needs was imported."""
    origin, size = recipe.origin, recipe.size
    if origin is not None and not is_remote(origin) and not Path(origin).is_dir():
        raise InputError(f"{origin}: no such folder; give one, hub:REPO@COMMIT, best or uid:N")
    smallest, largest = constraints.min_parameters, constraints.max_parameters
    if size is not None and not smallest <= size <= largest:
        raise InputError(
            f"size {size:,}: the competition allows {smallest:,} to {largest:,} parameters"
        )


HUB = "hub:"
_CHAMPION = re.compile(r"best|uid:\d{1,5}")

TABLES: dict[str, type[msgspec.Struct]] = {
    "": TrainingRecipe,
    "data": DataTable,
    "optimiser": OptimiserTable,
    "schedule": RateSchedule,
    "run": RunTable,
}
"""By their names in the file; any other is a `MixPart`."""
CHOICES = {
    "optimiser.name": OptimiserName,
    "schedule.shape": RateShape,
    "run.precision": Precision,
}
WORDS = {
    "int": "a whole number",
    "float": "a finite number",
    "str": "a text",
    "bool": "true or false",
    "object": "a table",
    "array": "a list of tables",
}


def read_recipe(path: Path) -> TrainingRecipe:
    """The recipe of a TOML file, or one line: file, key, what is wrong, what is allowed."""
    file = str(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "syntax", str(error), "TOML 1.0") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(file, "file", str(error), "a TOML file in UTF-8") from error
    try:
        return msgspec.convert(document, TrainingRecipe)
    except msgspec.ValidationError as error:
        raise ConfigError(file, *_explained(str(error), document)) from error
    except ConfigError as error:  # of a table that checks itself
        table = f"{error.file}." if error.file in TABLES else ""
        raise ConfigError(file, table + error.key, error.problem, error.allowed) from error


def _explained(sentence: str, document: Any) -> tuple[str, str, str]:
    """The key that msgspec complains about, what is wrong with it, and what it may be."""
    problem, _, place = sentence.partition(" - at `$")
    table = place.strip(".`")
    if named := re.fullmatch(r"Object (\w+) \w+ field `([^`]+)`", problem):
        key = f"{table}.{named[2]}".strip(".")
        if named[1] == "missing":
            return key, "missing", "required here"
        return key, "unknown key", ", ".join(TABLES.get(table, MixPart).__struct_encode_fields__)
    value = document
    for step in re.findall(r"\w+", place):
        value = value[int(step) if isinstance(value, list) else step]
    if table in CHOICES:
        return table, repr(value), ", ".join(get_args(CHOICES[table]))
    expected = re.match(r"Expected `(\w+)[^`]*`([^,]*)", problem)
    return table, repr(value), WORDS[expected[1]] + expected[2] if expected else problem
