"""Are the pages those that the seed draws, with the text that the dataset holds?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from iotapretrain.competition.audit.check import Check, Difference, Name, concluded, unequal
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
        item = "tasks", ", ".join(said), ", ".join(task.name for task in tasks)
        found.append(Difference(Name.PAGES, *item))
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
    yield from unequal(
        Name.PAGES,
        (f"{task.name}, weight", said.weight, task.weight),
        (f"{task.name}, dataset", said.dataset, task.dataset),
    )
    batch = batches.get(task.name)
    if said.missing is not None or batch is None:
        return
    if other := unequal(Name.PAGES, (f"{task.name}, revision", said.revision, batch.revision)):
        yield from other
        return
    for number, (one, page) in enumerate(zip_longest(said.pages, batch.pages)):
        yield from _page(f"{task.name}, page {number}", one, page)
    yield from unequal(Name.PAGES, (f"{task.name}, batch digest", said.batch_digest, batch.digest))


def _page(item: str, said: PageRecord | None, page: PackedPage | None) -> list[Difference]:
    """The first thing that is otherwise."""
    if said is None:
        return unequal(Name.PAGES, (item, None, None if page is None else page.digest))
    if page is None:
        return unequal(Name.PAGES, (item, said.digest, None))
    place = f"{page.page.config} rows {page.page.start} + {page.page.rows}"
    return unequal(
        Name.PAGES,
        (item, f"{said.config} rows {said.start} + {said.rows}", place),
        (f"{item} ({place}), digest", said.digest, page.digest),
        (f"{item} ({place}), sequences", str(said.sequences), str(len(page.sequences))),
    )[:1]
