"""The hub into the index: records of validators on other machines, and the cards of models."""

from __future__ import annotations

import logging
from typing import final

from iotapretrain.chain.metagraph import Commitments
from iotapretrain.chain.wallets import is_signature
from iotapretrain.competition.public_rounds import PublicRounds, rounds_repository
from iotapretrain.competition.round_record import SignedRound, is_sealed
from iotapretrain.dashboard.index import Index, insert
from iotapretrain.dashboard.people import place_of
from iotapretrain.dashboard.rounds import RoundWriter
from iotapretrain.errors import BadRoundError, HubError, InputError, UnavailableHubError
from iotapretrain.hub.card import LONGEST_CARD, Card
from iotapretrain.hub.protocol import Commit, Hub, RepositoryId
from iotapretrain.hub.small import read_small

_log = logging.getLogger(__name__)

ROUNDS_AT_ONCE = 25
CARDS_AT_ONCE = 10
CARD = "README.md"
SECONDS = 20.0


@final
class HubWatch:
    """Reads a little at every look, so that a large hub holds nothing up."""

    def __init__(self, index: Index, hub: Hub, rounds: RoundWriter) -> None:
        self._index, self._hub, self._rounds = index, hub, rounds

    def look(self, commitments: Commitments) -> bool:
        """Whether anything was new; what the hub refuses or does not answer waits."""
        new = 0
        for hotkey, repository in _published(commitments):
            try:
                new += self._rounds.write(self._missing(hotkey, repository))
            except (HubError, BadRoundError) as error:
                _log.info("rounds of %s cannot be read now: %s", hotkey, error)
        return self._read_cards() or new > 0

    def _missing(self, hotkey: str, repository: RepositoryId) -> list[SignedRound]:
        """The newest rounds of a validator that are not known here yet."""
        public = PublicRounds(self._hub, repository)
        rows = self._index.rows(
            "SELECT round FROM rounds r JOIN hotkeys h ON h.id = r.validator WHERE h.hotkey = ?",
            (hotkey,),
        )
        known = {row["round"] for row in rows}
        wanted = [number for number in public.numbers() if number not in known]
        found = [public.read(number) for number in wanted[-ROUNDS_AT_ONCE:]]
        return [
            signed
            for signed in found
            if signed.record.validator == hotkey and is_sealed(signed, is_signature)
        ]

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
            told = (card.title, card.parent, card.tokens, card.loss) if card else (None,) * 4
            read.append((row["id"], *told))
        with self._index.batch() as batch:
            insert(batch, "cards", read, 5)
        return bool(read)

    def _card(self, commitment: str) -> Card | None:
        """The card at the pinned commit; None where there is none that can be read."""
        repository, revision = place_of(commitment)
        if repository is None or revision is None:
            return None
        try:
            commit = Commit(RepositoryId.parse(repository), revision)
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


def _published(commitments: Commitments) -> list[tuple[str, RepositoryId]]:
    """Who says on the chain where its rounds are."""
    found = []
    for hotkey, commitment in commitments.by_hotkey.items():
        repository = rounds_repository(commitment.data.decode(errors="replace"))
        if repository is not None:
            found.append((hotkey, repository))
    return found
