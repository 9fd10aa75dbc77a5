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
    last = 0
    try:
        for record in linked(first_head(journal.identity), journal.read()):
            yield record
            last = record.sequence
    except BrokenError:
        raise
    except StoreError as error:
        raise BrokenError(last + 1, f"it cannot be read: {error}") from error


def verify(journal: Journal) -> Head:
    """The head, once every record behind the identity has been found to hold.

    Records cut off at the end cannot be missed from the inside: compare the head with one that was
    kept or signed elsewhere.
    """
    head = first_head(journal.identity)
    for record in verified(journal):
        head = Head(record.sequence, record.link)
    return head
