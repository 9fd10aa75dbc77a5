"""Tasks by name: `NAME`, or `NAME=PATH` for a local file; a path alone is a text."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iotapretrain.benchmark.choices import ROWS, Choices
from iotapretrain.benchmark.graded_answers import ITEMS, Answers
from iotapretrain.benchmark.perplexity import SAMPLED, LocalText, Perplexity, SampledText
from iotapretrain.benchmark.results import BenchmarkTask, Measurement, Progress
from iotapretrain.data.datasets import known_datasets, open_source
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.python_text import EMBEDDED
from iotapretrain.data.synthetic.generated_source import SYNTHETIC
from iotapretrain.errors import InputError, IotaError

if TYPE_CHECKING:
    from iotapretrain.benchmark.opened_model import Opened

DEFAULT = (
    *("wikitext-103", "falcon-refinedweb", "fineweb"),
    *("hellaswag", "arc_easy", "arc_challenge", "piqa", "winogrande"),
    *("lambada_openai", "mmlu", "mmlu_pro"),
)
"""What the competition's models were published with; but FineWeb itself, of which a commit is
pinned, in the place of its educational part.
"""


@dataclass(frozen=True)
class AbsentTask:
    """A task that cannot be had here, which the others do not suffer from."""

    name: str
    reason: IotaError

    def fingerprint(self) -> str:
        raise self.reason

    def measure(self, _opened: Opened, _progress: Progress) -> Measurement:
        raise self.reason


@dataclass(frozen=True)
class Choosing:
    """How much of each task is used: at most `limit` items or sequences, drawn by the seed."""

    cache: PageCache
    seed: int = 0
    limit: int | None = None

    def tasks(self, names: Sequence[str]) -> tuple[BenchmarkTask, ...]:
        """The tasks, each once; what is wrong with one is said before anything is computed."""
        chosen = tuple(self._task(name) for name in dict.fromkeys(names))
        called = [task.name for task in chosen]
        if len(set(called)) < len(called) or not called:
            raise InputError(f"tasks {', '.join(called)}: name one or more, each once")
        return chosen

    def _task(self, text: str) -> BenchmarkTask:
        name, given, path = text.partition("=")
        if name in ROWS:
            return Choices(name, Path(path) if given else None, self.limit)
        if given:
            return Perplexity(name, LocalText(Path(path)), self.limit)
        if name in SYNTHETIC:
            return Answers(name, self.seed, self.limit or ITEMS)
        if Path(name).is_file() and Path(name).suffix != ".toml":
            return Perplexity(Path(name).name, LocalText(Path(name)), self.limit)
        return self._sampled(name)

    def _sampled(self, name: str) -> BenchmarkTask:
        known = (*EMBEDDED, *known_datasets())
        if name not in known and not Path(name).is_file():
            every = (*ROWS, *SYNTHETIC, *known)
            close = difflib.get_close_matches(name, every, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(every)}"
            raise InputError(f"task {name!r}: unknown, and no such file; {hint}")
        try:
            text = SampledText(open_source(name, self.cache), self.seed, self.cache)
        except IotaError as error:
            if name not in known:
                raise
            return AbsentTask(name, error)
        return Perplexity(Path(name).stem, text, self.limit or SAMPLED)
