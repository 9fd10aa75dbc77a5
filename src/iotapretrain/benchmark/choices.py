"""The field's tasks, run by `lm-eval`: its own definitions, or for rows of a local file ours, in
its format and with its prompts; `iota benchmark --out` writes them down.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from iotapretrain.benchmark.results import Measurement, MetricValue, Progress
from iotapretrain.errors import InputError, UnavailableSourceError

if TYPE_CHECKING:
    from iotapretrain.benchmark.opened_model import Opened

SHARES = ("acc", "acc_norm", "exact_match")
LETTERS = "ABCDEFGHIJ"
LETTERED = (
    "The following are multiple choice questions (with answers) about"
    " {{SUBJECT | replace('_', ' ')}}.\n\n{{question.strip()}}\n"
    f"{{% for option in OPTIONS %}}{{{{'{LETTERS}'[loop.index0]}}}}. {{{{option}}}}\n"
    "{% endfor %}Answer:"
)
"""A question with options by letter, of which the model chooses a letter."""


class Query(msgspec.Struct, frozen=True):
    """A text and its possible continuations: HellaSwag, ARC, PIQA."""

    query: str
    choices: list[str]
    gold: int


class Blank(msgspec.Struct, frozen=True, rename={"choices": "context_options"}):
    """Texts of which one goes better with what follows: WinoGrande."""

    choices: list[str]
    continuation: str
    gold: int


class LastWord(msgspec.Struct, frozen=True):
    """A text and its last word: LAMBADA."""

    context: str
    continuation: str


class MmluQuestion(msgspec.Struct, frozen=True, rename={"gold": "answer"}):
    """A question about a subject: MMLU."""

    subject: str
    question: str
    choices: list[str]
    gold: int


class MmluProQuestion(
    msgspec.Struct, frozen=True, rename={"choices": "options", "gold": "answer_index"}
):
    """The same under the names of MMLU-Pro."""

    category: str
    question: str
    choices: list[str]
    gold: int


TaskRow = Query | Blank | LastWord | MmluQuestion | MmluProQuestion
"""One item of a task, a line of a local file; further fields do not matter. Whatever files call
them, `gold` is the number of the right one among `choices`.
"""


def _metrics(*names: str) -> dict[str, Any]:
    listed = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in names]
    return {"metric_list": listed}


def _lettered(subject: str, options: str, target: str) -> dict[str, Any]:
    return {
        "doc_to_text": LETTERED.replace("SUBJECT", subject).replace("OPTIONS", options),
        "doc_to_choice": f"{{{{'{LETTERS}'[:{options} | length] | list}}}}",
        "doc_to_target": target,
        **_metrics("acc"),
    }


_QUERY = {"doc_to_choice": "choices", "doc_to_target": "gold", **_metrics("acc", "acc_norm")}
_ASKED = {"doc_to_text": "{{query.strip()}}\nAnswer:", **_QUERY}

_BLANK = {
    "doc_to_text": "gold",
    "doc_to_choice": "context_options",
    "doc_to_target": "continuation",
    **_metrics("acc"),
}
_LAST_WORD = {
    "output_type": "loglikelihood",
    "doc_to_text": "{{context}}",
    "doc_to_target": "{{' ' + continuation}}",
    **_metrics("acc"),
}

ROWS: Mapping[str, tuple[type[TaskRow], dict[str, Any]]] = MappingProxyType(
    {
        "hellaswag": (Query, {"doc_to_text": "{{query}}", **_QUERY}),
        "arc_easy": (Query, _ASKED),
        "arc_challenge": (Query, _ASKED),
        "piqa": (Query, _ASKED),
        "winogrande": (Blank, _BLANK),
        "lambada_openai": (LastWord, _LAST_WORD),
        "mmlu": (MmluQuestion, _lettered("subject", "choices", "answer")),
        "mmlu_pro": (MmluProQuestion, _lettered("category", "options", "answer_index")),
    }
)
"""By task: what each row of a local file is, and the definition."""


@dataclass(frozen=True)
class Choices:
    """A task of the harness: its own one of that name, or ours over the rows of a file."""

    name: str
    path: Path | None
    limit: int | None

    def __post_init__(self) -> None:
        if self.path is not None:
            read_rows(self.path, ROWS[self.name][0])

    def fingerprint(self) -> str:
        if importlib.util.find_spec("lm_eval") is None:
            raise InputError(f"{self.name} needs lm-eval: pip install 'iotapretrain[bench]'")
        content = "its own"
        if self.path is not None:
            content = f"{blake3(self.path.read_bytes()).hexdigest()} {ROWS[self.name][1]}"
        return f"{self.name} lm-eval {version('lm-eval')} {self.limit} {content}"

    def definition(self) -> dict[str, Any] | None:
        """What `lm-eval` runs, for its `--include_path`; None for a task of its own."""
        if self.path is None:
            return None
        return {
            "task": self.name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(self.path.resolve())}},
            "test_split": "test",
            "output_type": "multiple_choice",
            "num_fewshot": 0,
            **ROWS[self.name][1],
        }

    def measure(self, opened: Opened, progress: Progress) -> Measurement:
        from iotapretrain.benchmark.harness import HarnessModel

        results = self._evaluated(HarnessModel(opened, progress))
        items = sum(each["effective"] for each in results["n-samples"].values())
        metrics = {}
        for key, value in results["results"][self.name].items():
            metric = key.partition(",")[0]
            if metric in SHARES:
                metrics[metric] = _share(value, items)
            elif metric == "perplexity":
                metrics[metric] = MetricValue(value)
        return Measurement(metrics, {"items": items})

    def _evaluated(self, model: Any) -> dict[str, Any]:
        """The harness's results; its progress bars go nowhere, its failures become ours."""
        from lm_eval import evaluator
        from lm_eval.tasks import TaskManager

        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stderr(io.StringIO()),
        ):
            definition = self._private_definition(Path(folder))
            try:
                results = evaluator.simple_evaluate(
                    model=model,
                    tasks=[definition or self.name],
                    limit=self.limit,
                    bootstrap_iters=0,
                    log_samples=False,
                    task_manager=TaskManager(include_defaults=definition is None),
                )
            except OSError as error:
                raise UnavailableSourceError(
                    self.name, f"its rows cannot be had: {error}; or write {self.name}=PATH"
                ) from error
        evaluated: dict[str, Any] = results
        return evaluated

    def _private_definition(self, folder: Path) -> dict[str, Any] | None:
        """The same over a copy without further fields, which `datasets` would stumble over when
        their types vary, and with its cache in the folder.
        """
        definition = self.definition()
        if self.path is None or definition is None:
            return None
        copy = folder / "rows.jsonl"
        found = read_rows(self.path, ROWS[self.name][0])
        copy.write_bytes(b"\n".join(map(msgspec.json.encode, found)))
        kwargs = {"data_files": {"test": str(copy)}, "cache_dir": str(folder / "cache")}
        return definition | {"dataset_kwargs": kwargs}


def _share(value: float, items: int) -> MetricValue:
    """Of answers that are right or wrong, s / √n is √(p (1 - p) / (n - 1))."""
    return MetricValue(value, math.sqrt(value * (1 - value) / (items - 1)) if items > 1 else None)


def read_rows(path: Path, kind: type[TaskRow]) -> list[TaskRow]:
    """All rows of a file; an error names the first line that is none."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    found = [
        _row(line, kind, f"{path}: line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not found:
        raise InputError(f"{path}: has no rows")
    return found


def _row(line: bytes, kind: type[TaskRow], where: str) -> TaskRow:
    try:
        row = msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        fields = ", ".join(kind.__struct_encode_fields__)
        raise InputError(f"{where}: {error}; rows of this task have {fields}") from error
    if not isinstance(row, LastWord) and not 0 <= row.gold < len(row.choices):
        raise InputError(f"{where}: option {row.gold} is right, of {len(row.choices)} from 0 on")
    return row
