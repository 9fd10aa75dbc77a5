"""A stranger's tokenizer, used without being opened here: a worker of its own does that. What comes
back is data of bounded size, and is counted before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any

import msgspec

from iotapretrain.benchmark import spelling
from iotapretrain.benchmark.spelling import LARGEST_VOCABULARY, LONGEST_END, most_bytes, most_ids
from iotapretrain.data.documents import digest_of
from iotapretrain.data.tokenizer import TokenizerFiles
from iotapretrain.errors import InputError
from iotapretrain.models.channel import LARGEST_MESSAGE
from iotapretrain.models.open_files import OpenFolder, open_named
from iotapretrain.models.verdict import Rejection
from iotapretrain.models.worker import Budget, Worker, ask

BUDGET = Budget(seconds=120.0, memory_bytes=4 * 2**30)
"""A file at its bounds takes seconds, 10 MB of text some more, and less than half the memory."""
LARGEST_FILE = 64 * 2**20
"""Twice as large as any that is in use."""
LARGEST_TEXT = 32 * 2**20
ID_BYTES, ROW_BYTES = 9, 64
"""What an id, and a row or the frame of a message, takes in JSON."""
ESCAPED = 6
"""A byte of text in JSON, at worst."""

Id = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Described(msgspec.Struct):
    """What a worker says about a tokenizer."""

    vocabulary: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_VOCABULARY)]
    end_token: Annotated[str, msgspec.Meta(max_length=LONGEST_END)]
    end_id: Id


class GuardedSpelling:
    """The tokenizer of these open files."""

    def __init__(self, name: str, files: OpenFolder, worker: Worker) -> None:
        self._name, self._files, self._worker = name, files, worker
        described: Described = self._asked("describe", Described, ROW_BYTES + 12 * LONGEST_END)
        self.vocabulary, self.end_id = described.vocabulary, described.end_id
        whole = files.files[0]
        self.digest = digest_of(bytes(whole.read(0, whole.size)), described.end_token)

    def encode(self, texts: Sequence[str], framed: bool) -> list[list[int]]:
        """The ids of each text, as `OwnSpelling` gives them."""
        size = _size(texts)
        if size > LARGEST_TEXT:
            raise InputError(
                f"a text of {size:,} bytes is too long to be tokenised whole; at most"
                f" {LARGEST_TEXT:,}: give it as lines of a .jsonl file"
            )
        most = [most_ids(text) for text in texts]
        largest = ID_BYTES * sum(most) + ROW_BYTES * (len(texts) + 1)
        rows: list[list[int]] = self._asked(
            "encode", list[list[Id]], largest, texts=texts, framed=framed
        )
        self._counted([len(row) for row in rows], most)
        return rows

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        most = [most_bytes(len(row)) for row in rows]
        largest = ESCAPED * sum(most) + ROW_BYTES * (len(rows) + 1)
        texts: list[str] = self._asked("decode", list[str], largest, rows=rows)
        self._counted([len(text.encode("utf-8", "surrogatepass")) for text in texts], most)
        return texts

    def close(self) -> None:
        """Let the worker go, until it is asked again."""
        self._worker.close()

    def _asked(self, task: str, kind: Any, largest: int, **arguments: object) -> Any:
        largest = min(largest, LARGEST_MESSAGE)
        try:
            return ask(self._worker, task, kind, self._files, largest, **arguments)
        except Rejection as rejection:
            raise self._refused(rejection.finding.sentence) from rejection

    def _counted(self, found: list[int], most: list[int]) -> None:
        if len(found) != len(most) or any(map(int.__gt__, found, most)):
            raise self._refused("its worker's answer: more, or fewer, than was asked for")

    def _refused(self, reason: str) -> InputError:
        self.close()
        return _refused(self._name, reason)


@contextmanager
def guarded(name: str, files: TokenizerFiles, budget: Budget = BUDGET) -> Iterator[GuardedSpelling]:
    """What these files hold; the worker is there while it is used."""
    with ExitStack() as stack:
        try:
            named = open_named(files.whole.parent, files.whole.name, files.settings.name)
            opened = stack.enter_context(named)
        except Rejection as rejection:
            raise _refused(name, rejection.finding.sentence) from rejection
        if opened.all_bytes > LARGEST_FILE:
            raise _refused(name, f"{opened.all_bytes:,} bytes; at most {LARGEST_FILE:,} are read")
        worker = stack.enter_context(Worker(budget, spelling.__name__))
        yield GuardedSpelling(name, opened, worker)


def _size(texts: Sequence[str]) -> int:
    """In bytes; half a surrogate pair, as JSON can hold it, has none."""
    try:
        return sum(len(text.encode()) for text in texts)
    except UnicodeEncodeError as error:
        raise InputError(f"a text that is no Unicode: {error}") from error


def _refused(name: str, reason: str) -> InputError:
    """In one line, whatever words of a stranger are in it."""
    return InputError(f"{name}: its tokenizer is not used: {' '.join(reason.split())}")
