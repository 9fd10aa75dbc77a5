"""Reading a journal in doubt: from its first record, every link checked."""

from __future__ import annotations

from collections.abc import Iterator

from iotapretrain.errors import BrokenError, StoreError
from iotapretrain.store.journal import Journal
from iotapretrain.store.record import Head, Record, first_head, linked


def verified(journal: Journal) -> Iterator[Record]:
    """Every record in order, until BrokenError names the first that does not hold.

    Whoever knows more about the records (signatures, balances) checks it while iterating.
    """
    head = first_head(journal.identity)
    try:
        for record in linked(head, journal.read()):
            yield record
            head = record.head
    except StoreError:
        yield from _one_by_one(journal, head)


def verify(journal: Journal) -> Head:
    """The head, once every record behind the identity has been found to hold.

    Records cut off at the end cannot be missed from the inside: compare the head with one that was
    kept or signed elsewhere.
    """
    head = first_head(journal.identity)
    for record in verified(journal):
        head = record.head
    return head


def _one_by_one(journal: Journal, head: Head) -> Iterator[Record]:
    """What is left of the page that failed, so that the error names a record and not the page."""
    while True:
        try:
            record = next(linked(head, journal.read(head.sequence, 1)), None)
        except BrokenError:
            raise
        except StoreError as error:
            raise BrokenError(head.sequence + 1, f"it cannot be read: {error}") from error
        if record is None:
            return
        yield record
        head = record.head
