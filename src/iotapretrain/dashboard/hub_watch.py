"""The hub into the index: records of validators on other machines, and the cards of models."""

from __future__ import annotations

import logging
from typing import final

from iotapretrain.competition.records.committed import model_commitment
from iotapretrain.dashboard.hub_rounds import HubRounds, Publishers
from iotapretrain.dashboard.index import Index, insert
from iotapretrain.errors import HubError, InputError, UnavailableHubError
from iotapretrain.hub.card import LONGEST_CARD, Card
from iotapretrain.hub.fetch import read_small
from iotapretrain.hub.model_files import CARD
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId

_log = logging.getLogger(__name__)

CARDS_AT_ONCE = 10
SECONDS = 20.0
TOLD = ("title", "parent", "loss")
"""Of a card; null where there is none."""


@final
class HubWatch:
    """Reads a little at every look, so that a large hub holds nothing up."""

    def __init__(self, index: Index, hub: Hub, rounds: HubRounds) -> None:
        self._index, self._hub, self._rounds = index, hub, rounds

    def look(self, publishers: Publishers) -> bool:
        """Whether anything was new; what the hub refuses or does not answer waits."""
        new = self._rounds.look(publishers)
        return self._read_cards() or new

    def _read_cards(self) -> bool:
        rows = self._index.rows(
            'SELECT c.id, c.text FROM commitments c LEFT JOIN cards k ON k."commitment" = c.id '
            'WHERE k."commitment" IS NULL ORDER BY c.id DESC LIMIT ?',
            (CARDS_AT_ONCE,),
        )
        read = []
        for row in rows:
            try:
                card = self._card(row["text"])
            except UnavailableHubError as error:
                _log.info("model cards cannot be read now: %s", error)
                break
            read.append({"commitment": row["id"]} | {n: getattr(card, n, None) for n in TOLD})
        with self._index.batch() as batch:
            insert(batch, "cards", read)
        return bool(read)

    def _card(self, commitment: str) -> Card | None:
        """The card at the pinned commit; None where there is none that can be read."""
        model = model_commitment(commitment)
        if model is None:
            return None
        try:
            commit = Commit(RepositoryId(model.namespace, model.name), model.commit)
            files = {entry.path: entry for entry in self._hub.listing(commit).files}
            if CARD not in files:
                return None
            text = read_small(
                self._hub, commit, files[CARD], most_bytes=LONGEST_CARD, seconds=SECONDS
            )
            return Card.parse(text.decode())
        except UnavailableHubError:
            raise
        except (HubError, InputError, UnicodeDecodeError):
            return None
