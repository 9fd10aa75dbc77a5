"""Are the pages those that the seed draws, with the text that the dataset holds?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded
from iotapretrain.competition.records.round_record import PageRecord, TaskRecord
from iotapretrain.data.batches import Batch, PackedPage
from iotapretrain.data.outcome import RoundText
from iotapretrain.rules.competition.schedule import TextTask


def check_pages(
    published: Sequence[TaskRecord], tasks: Sequence[TextTask], text: RoundText
) -> Check:
    """Task by task and page by page against the text that was drawn and read anew.

    A task that the record says was missing proves nothing where it can be read now; a task that
    cannot be read here is skipped.
    """
    found: list[Difference] = []
    said = {task.name: task for task in published}
    if [task.name for task in published] != [task.name for task in tasks]:
        found.append(_differs("tasks", ", ".join(said), ", ".join(task.name for task in tasks)))
    for task in tasks:
        if task.name in said:
            found += _task(said[task.name], task, text.batches)
    pages = sum(len(batch.pages) for batch in text.batches.values())
    skipped = [f"{each.task}: {each.sentence}" for each in text.missing]
    skipped += [
        f"{task.name}: the validator had no text: {task.missing.sentence}"
        for task in published
        if task.missing is not None and task.name in text.batches
    ]
    return concluded(
        Name.PAGES,
        found,
        f"{pages} pages, drawn and read again, have the published digests",
        "; ".join(skipped) or None,
    )


def _task(said: TaskRecord, task: TextTask, batches: Mapping[str, Batch]) -> Iterator[Difference]:
    if said.weight != task.weight:
        yield _differs(f"{task.name}, weight", said.weight, task.weight)
    if said.dataset != task.dataset:
        yield _differs(f"{task.name}, dataset", said.dataset, task.dataset)
    batch = batches.get(task.name)
    if said.missing is not None or batch is None:
        return
    if said.revision != batch.revision:
        yield _differs(f"{task.name}, revision", said.revision, batch.revision)
        return
    for number, (one, other) in enumerate(zip_longest(said.pages, batch.pages)):
        yield from _page(f"{task.name}, page {number}", one, other)
    if said.batch_digest != batch.digest:
        yield _differs(f"{task.name}, batch digest", said.batch_digest, batch.digest)


def _page(item: str, said: PageRecord | None, page: PackedPage | None) -> Iterator[Difference]:
    if said is None or page is None:
        yield _differs(
            item, None if said is None else said.digest, None if page is None else page.digest
        )
        return
    place = f"{page.page.config} rows {page.page.start} + {page.page.rows}"
    named = (
        (item, f"{said.config} rows {said.start} + {said.rows}", place),
        (f"{item} ({place}), digest", said.digest, page.digest),
        (f"{item} ({place}), sequences", str(said.sequences), str(len(page.sequences))),
    )
    for what, one, other in named:
        if one != other:
            yield _differs(what, one, other)
            return


def _differs(item: str, published: str | float | None, found: str | float | None) -> Difference:
    return Difference(Name.PAGES, item, published, found)
